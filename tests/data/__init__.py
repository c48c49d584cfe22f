"""Tests of edgemnist.data: they reach no host but this one."""
