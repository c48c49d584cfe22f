"""A report beside an earlier release's: what the baseline is, what it costs more, and whether that is explained.

release      what --baseline names: a report, a model, a folder    reading      report.json as values
matching     which layers are the same in both                    growth       what is explained by those that are not
accuracy     on the same images where that can be                 interleaved  latency, both taking turns
compare      all of it, as the report has it
"""
