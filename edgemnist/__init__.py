"""edgemnist: from an image dataset to a binary on the chip, with proof at every step.

The rooms of the house (each module's docstring says more):

    data/       datasets in: IDX, NPZ, image folders, corruptions    models, train, prune, qat, teacher   Keras nets
    convert     Keras -> .tflite                                     carray                 .tflite -> C array
    tflite_file .tflite -> plain Python values                       compiler/              .tflite -> C99
    runtimes/   engines that run a model, one file each              parity/                do they agree?
    mcu/        firmware: boards, builds, emulated cores, packages   tflm_project/          .tflite -> a TFLM program
    deploy/     bundles for Raspberry Pis, snippets for phones       robustness/, evaluation/   how good, and where not
    artifacts   the work folder between stages                       cli/                   the commands

The command line is a package, not one module: one file per command group keeps each under 400 lines. The firmware room
is called mcu/, because firmware/ here is the folder of C sources.
"""

__version__ = "0.1.0"
