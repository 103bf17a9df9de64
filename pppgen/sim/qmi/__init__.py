"""The simulated modem's QMI side: what /dev/cdc-wdm0 and wwan0 lead to. No I/O here, and nothing reads a clock.

Numbers and layouts are those of libqmi 1.32's service descriptions (data/qmi-service-*.json) and enumerations.
"""
