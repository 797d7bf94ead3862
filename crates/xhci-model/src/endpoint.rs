//! To be filled: the endpoint part of the engine.
