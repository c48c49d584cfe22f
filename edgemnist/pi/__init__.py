"""From a converted model to a Raspberry Pi.

    targets   which systems, and which interpreter each can have   bundle_*  a bundle's files; a folder or an archive
    golden    images and the bytes that runtimes make of them       mirror    where Debian's packages are fetched from
    wheels    Python packages fetched for another machine          sysroot   its system, unpacked in a cache folder
    emulator  programs of that system run here, through qemu-user  replay    a bundle's own replay there, its report
    ssh       commands on another machine                          remote    a bundle installed and replayed there
    guest*    a runtime there, asked through a pipe                counting  instructions counted on an emulated board

``bundle/`` holds the programs of the bundle itself; ``bundle_programs`` says which of edgemnist's modules go with them.
"""
