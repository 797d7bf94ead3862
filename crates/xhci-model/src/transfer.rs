//! To be filled: the transfer part of the engine.
