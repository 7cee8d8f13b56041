"""Numbered changes of the tables; each one is a schema, and none is ever edited once it is released."""
