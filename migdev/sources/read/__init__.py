"""Files of this computer: their formats, their layouts, and the columns of a user."""
