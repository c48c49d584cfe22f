"""Datasets, and pictures for a trained net.

base          what a dataset is once loaded                facts        what was understood of it
loading       the one loader: by known name or by path     summary      saying so, in one block
checks        what can be told before training             catalogue    what ``data list`` and ``data show`` return
registry      the known datasets: files, checksums         published    what a row of it has
locations     where their files may lie on this machine    local_files  reading them from there
fetch         bringing them into edgemnist's cache         download     one file from several mirrors
idx, cifar, mnist5k   the known datasets' file formats     npz, csv_table   arrays and tables of one's own
folders       which pictures of a folder are what          image_folder     reading those
arrays        layouts and types of arrays                  array_sets   the splits that a file of arrays has
values        which numbers become black and white         assembling   from images and labels to a dataset
splits        validation, calibration, parity samples      images       single image files in, contact sheets out
framing       any picture to the frame a net was trained on
corruptions/  how test images look in a less tidy world
"""
