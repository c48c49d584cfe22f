"""The work folder in which stages leave their files, and what is known of a model beside its file."""
