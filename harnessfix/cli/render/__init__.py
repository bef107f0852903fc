"""How documents look in a terminal. Everything from a run or a source goes through `plain`."""
