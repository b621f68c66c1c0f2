"""The device lab: one interface to the host, Android phones and iOS devices."""
