//! An embedded internet on loopback that misbehaves on purpose.
