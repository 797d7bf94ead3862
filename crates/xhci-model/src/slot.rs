//! To be filled: the slot part of the engine.
