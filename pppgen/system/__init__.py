"""The only room that touches the machine, and the only importer of serial, pexpect, psutil, pyroute2, subprocess."""
