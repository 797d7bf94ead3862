//! To be filled: the command part of the engine.
