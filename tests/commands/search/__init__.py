"""Tests of ``edgemnist search`` as typed."""
