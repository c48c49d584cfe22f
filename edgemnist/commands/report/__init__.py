"""Everything that is known of a model in one file that a release can be signed with.

stage      choose, measure, compare, write   report, sections, comparison   the values; their JSON is the truth
measuring  the runtimes' part                collecting   the report put together of what was measured
answers    confusion, calibration, differences, disagreements    operators   where runtimes part, by operator
records    the work folder's part            device       the firmware's part, the memory map
layers     the file's operators, for later   baseline/    beside an earlier release
verdict    what has to hold                  repeating    the commands that make it again
formats    which files                       schema       the JSON Schema
words      figures for people                html, markdown, junit   the views    node_data   for Model Explorer
"""
