"""The programs that pppgen runs or reads, as text: argv out, output lines in, events out; one file each."""
