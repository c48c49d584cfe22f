"""``edgemnist page``.

stage  choose, build, check, write       material  what the network is put through       view  the result as text
"""
