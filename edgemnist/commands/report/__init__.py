"""Everything that is known of a model in one file that a release can be signed with.

stage      choose, collect, write          report, sections  the values; their JSON is the truth
measuring  the runtimes' part              answers           confusion, calibration, differences, disagreements
records    the work folder's part          device            the firmware's part, the memory map
verdict    what has to hold                repeating         the commands that make it again
formats    which files                     schema            the JSON Schema
words      figures for people              html, markdown, junit   the views
"""
