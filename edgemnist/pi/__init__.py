"""From a converted model to a Raspberry Pi or a phone.

    targets   which systems, and which interpreter each can have   pi        ``deploy pi``: make a bundle, prove it
    golden    images and the bytes that engines make of them       bundle_*  its files; a folder or an archive of them
    wheels    Python packages fetched for another machine          sysroot   its system, unpacked in a cache folder
    emulator  programs of that system run here, through qemu-user  replay    a bundle's own replay there, its report
    ssh       commands on another machine                          remote    a bundle installed and replayed there
    guest*    an engine there, asked through a pipe                advise    instructions counted on every board
    metadata  what phones read of a model                          phones    ``deploy android`` and ``deploy ios``

``bundle/`` holds the programs of the bundle itself: they need numpy and the interpreter, never edgemnist.
"""
