"""Channels that are constant or that nobody reads, and the graph without them.

    lanes.Lanes           which channels of which tensors go together
    ranges.Ranges         forward: between which values each channel lies
    demand.find_kept      backward: which channels something depends on
    removal.drop_channels Graph -> Graph
    report                what is said of it

A lane is a channel of a piece of memory: with a tensor and a reshape of it, every so many elements.
"""
