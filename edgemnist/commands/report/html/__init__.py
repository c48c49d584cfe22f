"""A report as one HTML file that asks for nothing else.

page     the file as a whole     tables   the report's tables      svg       elements of a picture
charts   answers as pictures     maps     the arena, corruptions   templates/  HTML, style sheet, script

Everything that comes from a file, a name of a class or a tensor is escaped: text by Jinja2, pictures by ElementTree.
"""
