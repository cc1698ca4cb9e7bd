"""One file a verb: composes the rooms, decides nothing that a room should decide."""
