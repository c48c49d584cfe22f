#include "Arduino.h"

#include <chrono>
#include <cstdio>
#include <unistd.h>

StandInSerial Serial;

static bool has_read = false;
static bool at_end = false;

unsigned long micros(void)
{
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<unsigned long>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

unsigned long millis(void)
{
  return micros() / 1000;
}

void StandInSerial::begin(unsigned long)
{
}

void yield(void)
{
}

StandInSerial::operator bool() const
{
  return true;
}

int StandInSerial::available()
{
  has_read = true;
  const int next = std::getchar();
  at_end = next == EOF;
  if (at_end) {
    std::fflush(stdout);
    _exit(0);
  }
  std::ungetc(next, stdin);
  return 1;
}

int StandInSerial::read()
{
  return available() > 0 ? std::getchar() : -1;
}

void StandInSerial::flush()
{
  std::fflush(stdout);
}

size_t StandInSerial::write(uint8_t byte)
{
  return std::putchar(byte) == EOF ? 0u : 1u;
}

size_t StandInSerial::print(const char *text)
{
  return static_cast<size_t>(std::printf("%s", text));
}

size_t StandInSerial::print(const __FlashStringHelper *text)
{
  return print(reinterpret_cast<const char *>(text));
}

size_t StandInSerial::print(int number)
{
  return static_cast<size_t>(std::printf("%d", number));
}

size_t StandInSerial::print(unsigned long number)
{
  return static_cast<size_t>(std::printf("%lu", number));
}

size_t StandInSerial::println(const __FlashStringHelper *text)
{
  return print(text) + print("\r\n");
}

size_t StandInSerial::println(int number)
{
  return print(number) + print("\r\n");
}

/* A sketch that never reads is over after one turn of its loop. */
int main()
{
  setup();
  do {
    loop();
  } while (has_read && !at_end);
  return 0;
}
