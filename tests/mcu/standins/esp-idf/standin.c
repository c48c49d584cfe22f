#include "esp_timer.h"

#include <time.h>

int64_t esp_timer_get_time(void)
{
  return (int64_t)clock() * 1000000 / CLOCKS_PER_SEC;
}

void app_main(void);

int main(void)
{
  app_main();
  return 0;
}
