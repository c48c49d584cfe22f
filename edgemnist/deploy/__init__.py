"""From a converted model to a Raspberry Pi.

    targets     which systems, and which interpreter each can have     bundle     the files that are copied to one
    wheels      its Python packages, fetched for another machine       sysroot    its system, unpacked in a cache folder
    emulator    programs of that system run here, through qemu-user    replay     a bundle's own replay, run there

``bundle/`` holds the programs of the bundle itself: they need numpy and the interpreter, never edgemnist.
"""
