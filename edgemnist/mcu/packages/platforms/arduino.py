"""Arduino: a library of format 1.5 (Arduino library specification, revision 2.2)."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.packages.base import Package, Platform, link_files, words

ARCHITECTURES = (
    "apollo3", "esp32", "esp8266", "mbed", "mbed_edge", "mbed_giga", "mbed_nano", "mbed_nicla", "mbed_opta",
    "mbed_portenta", "mbed_rp2040", "nrf5", "nrf52", "renesas_portenta", "renesas_uno", "rp2040", "sam", "samd",
    "stm32", "STM32F1", "teensy", "zephyr",
)  # fmt: skip
"""Board packages with 32-bit cores; for others the IDE warns, and the compiler refuses an ``int`` of 16 bits."""

CORE_HEADERS = words(
    """
    analog arduino arduinoapi backup binary board bootloader can canmsg cdc client clock common compat
    core_callback core_debug delay dmapool dtostrf dwt eeprom ethernet hardwarecan hardwarei2c hardwareserial
    hardwarespi hardwaretimer hid hooks interrupt interrupts ipaddress itoa keyboard mouse new otp pgmspace
    pinconfig pinmap pinnames pins_arduino pluggableusb portnames print printable random reset ringbuffer sd
    sercom serial server servo softwareserial spi stepper stream sync timer twi uart udp usb_host usbapi usbcore
    usbdesc utils variant wcharacter wifi wire wiring wiring_private wmath wserial wstring wvariant
    """
)
"""Headers of the AVR, SAMD and STM32 cores and of the libraries that come with them, in lower case."""


def _files(package: Package) -> Mapping[str, str]:
    name, link = package.name, f"examples/{package.name}_link"
    return {
        **package.documents(),
        **package.c_files(sources="src", headers="src"),
        "library.properties": package.text("arduino/library.properties", architectures=",".join(ARCHITECTURES)),
        "keywords.txt": package.text("arduino/keywords.txt"),
        f"examples/{name}/{name}.ino": package.text("arduino/example.ino"),
        f"{link}/{name}_link.ino": package.text("arduino/link.ino"),
        **{f"{link}/{file}": text for file, text in link_files().items()},
    }


PLATFORM = Platform("arduino", "Arduino", _files, CORE_HEADERS)
