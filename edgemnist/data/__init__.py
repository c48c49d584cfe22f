"""Datasets in, and pictures for a trained net.

base          what a dataset is once loaded                loading      the one loader: by known name or by path
registry      the known datasets: files, checksums         locations    where their files may lie on this machine
local_files   reading them from there                      fetch        bringing them into edgemnist's cache
download      one file from several mirrors                mnist5k      digits inside a Python package
idx, npz, image_folder   the file formats                  arrays       checks that they share
splits        validation, calibration, parity samples      catalogue    what ``data list`` and ``data show`` return
images        single image files in, contact sheets out    framing      any picture to the frame a net was trained on
corruptions/  how test images look in a less tidy world
"""
