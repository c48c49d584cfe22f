"""ESP-IDF: a component with an example project beside it, as the component registry lays them out."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.packages.base import Package, Platform, words

IDF_COMPONENTS = words(
    """
    app_trace app_update asio bootloader bootloader_support bt cmock coap console cxx driver efuse esp_adc esp_common
    esp_driver_gpio esp_driver_uart esp_eth esp_event esp_gdbstub esp_hw_support esp_lcd esp_mm esp_netif
    esp_partition esp_phy esp_pm esp_psram esp_ringbuf esp_rom esp_system esp_timer esp_wifi espcoredump esptool_py
    expat fatfs freertos hal heap http_parser idf_test ieee802154 json libsodium linux log lwip mbedtls mdns mqtt
    newlib nghttp nvs_flash openssl openthread partition_table perfmon protocomm protobuf pthread riscv rt sdmmc soc
    spi_flash spiffs tcp_transport tinyusb touch_element ulp unity usb vfs wear_levelling wpa_supplicant xtensa
    """
)
"""Components of ESP-IDF: one of the same name in the project replaces it, and the build breaks."""


def _files(package: Package) -> Mapping[str, str]:
    example, url = "examples/self_test", package.values["url"]
    return {
        **package.documents(),
        **package.c_files(sources="src", headers="include"),
        "CMakeLists.txt": package.text("esp_idf/CMakeLists.txt"),
        "idf_component.yml": package.text("esp_idf/idf_component.yml", url_line=f"\nurl: {url}" if url else ""),
        f"{example}/CMakeLists.txt": package.text("esp_idf/project.cmake"),
        f"{example}/sdkconfig.defaults": package.text("esp_idf/sdkconfig.defaults"),
        f"{example}/main/CMakeLists.txt": package.text("esp_idf/main_component.cmake"),
        f"{example}/main/main.c": package.text("esp_idf/main.c"),
    }


PLATFORM = Platform("esp-idf", "ESP-IDF", _files, IDF_COMPONENTS)
