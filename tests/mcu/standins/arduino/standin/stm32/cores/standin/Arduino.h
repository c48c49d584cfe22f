/* As much of the Arduino core's API as the sketches use, on standard input and output. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

class __FlashStringHelper;
#define F(text) (reinterpret_cast<const __FlashStringHelper *>(text))

extern "C" unsigned long micros(void);
extern "C" unsigned long millis(void);
extern "C" void yield(void);

void setup();
void loop();

class StandInSerial {
public:
  void begin(unsigned long baud);
  explicit operator bool() const;
  int available();
  int read();
  void flush();
  size_t write(uint8_t byte);
  size_t print(const __FlashStringHelper *text);
  size_t print(const char *text);
  size_t print(int number);
  size_t print(unsigned long number);
  size_t println(const __FlashStringHelper *text);
  size_t println(int number);
};

extern StandInSerial Serial;

#endif
