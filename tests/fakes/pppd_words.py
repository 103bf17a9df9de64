"""What pppd 2.4.9 and chat say on the way up, piece by piece."""

CHAT = """\
abort on (NO CARRIER)
abort on (ERROR)
timeout set to 10 seconds
send (AT^M)
expect (OK)
^M
OK
 -- got it

send (ATD*99#^M)
expect (CONNECT)
"""
CONNECTED = """\
^M
CONNECT
 -- got it

Script chat -s -v -f /etc/chatscripts/chat-connect finished (pid 983), status = 0x0
Serial connection established.
using channel 1
Using interface ppp0
Connect: ppp0 <--> /dev/ttyUSB2
"""
LCP_WITH_CHAP = """\
sent [LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0xa0977ce5> <pcomp> <accomp>]
rcvd [LCP ConfAck id=0x1 <asyncmap 0x0> <magic 0xa0977ce5> <pcomp> <accomp>]
rcvd [LCP ConfReq id=0x11 <asyncmap 0x0> <auth chap MD5> <magic 0x473bd206> <pcomp> <accomp>]
sent [LCP ConfAck id=0x11 <asyncmap 0x0> <auth chap MD5> <magic 0x473bd206> <pcomp> <accomp>]
"""
LCP = LCP_WITH_CHAP.replace(" <auth chap MD5>", "")
CHAP_SUCCESS = "CHAP authentication succeeded\n"
IPCP_ASKED = "sent [IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 0.0.0.0>]\n"
IPCP = f"""\
{IPCP_ASKED}rcvd [IPCP ConfNak id=0x1 <addr 100.64.12.89> <ms-dns1 8.8.8.8> <ms-dns2 8.8.4.4>]
Could not determine remote IP address: defaulting to 10.64.64.64
local  IP address 100.64.12.89
remote IP address 10.64.64.64
primary   DNS address 8.8.8.8
secondary DNS address 8.8.4.4
"""
IP_UP = "Script /etc/ppp/ip-up started (pid 990)\n"
TERMINATED = "LCP terminated by peer\nrcvd [LCP TermReq id=0x2]\n"
HUNG_UP = "Modem hangup\nConnection terminated.\n"
UP = CHAT + CONNECTED + LCP + IPCP + IP_UP
