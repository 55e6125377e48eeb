//! STUN (RFC 8489) and NAT behaviour (RFC 5780).
