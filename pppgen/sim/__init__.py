"""A simulated modem: transcripts played on pseudo-terminals or on a USB gadget's ttys."""
