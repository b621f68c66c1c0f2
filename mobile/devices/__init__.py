"""The device lab: one interface to the host, Android phones, iOS devices and emulated arm64."""
