"""CTL, WDA and WDS: clients, framing, calls and profiles."""

from pppgen.sim.qmi import calls
from pppgen.sim.qmi.calls import Call, Cause
from pppgen.sim.qmi.endpoint import CONNECTED, DISCONNECTED, START_S, Answer, Endpoint, Reply, cause_values
from pppgen.sim.qmi.qmux import Message, QmiError, ServiceId, address, text
from pppgen.sim.qmi.settings import DNS, GATEWAY, MASK, MTU
from pppgen.sim.service import ADDRESS, ATTACH_CID, Context, Service

RAW_IP, ETHERNET = 2, 1
IPV4 = 4
ANY_HANDLE = 0xFFFFFFFF
VERSIONS = {"CTL": (1, 5), "WDS": (1, 67), "DMS": (1, 14), "NAS": (1, 25), "UIM": (1, 46), "WDA": (1, 16)}
MISSING = Reply(error=QmiError.MISSING_ARGUMENT)


def _versions(_endpoint: Endpoint, _request: Message) -> Reply:
    rows = b"".join(
        bytes((each,)) + b"".join(part.to_bytes(2, "little") for part in VERSIONS[each.name]) for each in ServiceId
    )
    return Reply({0x01: bytes((len(ServiceId),)) + rows})


def _allocate(endpoint: Endpoint, request: Message) -> Reply:
    number = request.number_of(0x01)
    if number is None:
        return MISSING
    if number not in set(ServiceId) - {ServiceId.CTL}:
        return Reply(error=QmiError.INVALID_SERVICE_TYPE)
    client = endpoint.allocate(ServiceId(number))
    return Reply({0x01: bytes((number, client))}) if client else Reply(error=QmiError.CLIENT_IDS_EXHAUSTED)


def _release(endpoint: Endpoint, request: Message) -> Reply:
    value = request.value(0x01)
    if len(value) != 2:
        return MISSING
    number, client = value
    if number not in set(ServiceId) or client not in endpoint.clients[ServiceId(number)]:
        return Reply(error=QmiError.INVALID_CLIENT_ID)
    endpoint.release(ServiceId(number), client)
    return Reply({0x01: value})


def _sync(endpoint: Endpoint, _request: Message) -> Reply:
    """All clients of the host are gone, whoever they were."""
    for service, ids in endpoint.clients.items():
        for client in sorted(ids):
            endpoint.release(service, client)
    return Reply()


def _old_data_format(endpoint: Endpoint, request: Message) -> Reply:
    """CTL's own message of older modems, which `--device-open-net` still sends."""
    wanted = request.number_of(0x10)
    endpoint.raw_ip = endpoint.raw_ip if wanted is None else wanted == RAW_IP
    return Reply({0x10: _framing(endpoint).to_bytes(2, "little")})


def _framing(endpoint: Endpoint) -> int:
    return RAW_IP if endpoint.speaks_raw_ip else ETHERNET


def _data_format(endpoint: Endpoint, _request: Message) -> Reply:
    none = bytes(4)
    return Reply(
        {0x10: b"\0", 0x11: _framing(endpoint).to_bytes(4, "little"), 0x12: none, 0x13: none, 0x14: none, 0x15: none,
         0x16: none}
    )  # fmt: skip


def _set_data_format(endpoint: Endpoint, request: Message) -> Reply:
    """Take the link-layer protocol; aggregation is not taken, which the answer says."""
    wanted = request.number_of(0x11)
    if wanted not in {None, RAW_IP, ETHERNET}:
        return Reply(error=QmiError.INVALID_ARGUMENT)
    if wanted is not None:
        endpoint.raw_ip = wanted == RAW_IP
    return _data_format(endpoint, request)


def _nothing(_endpoint: Endpoint, _request: Message) -> Reply:
    return Reply()


def _start(endpoint: Endpoint, request: Message) -> Reply:
    modem = endpoint.modem
    endpoint.starts += 1
    if endpoint.call:
        return Reply(error=QmiError.NO_EFFECT)
    index = request.number_of(0x31)
    if index is not None and index not in modem.service.contexts:
        return Reply(error=QmiError.INVALID_PROFILE)
    cid, context = _context(modem.service, index, request.value(0x14).decode("latin-1"))
    cause = _refusal(endpoint, cid, context)
    if cause:
        return Reply(cause_values(cause), QmiError.CALL_FAILED, START_S)
    if cid in modem.service.contexts:
        modem.service.contexts[cid].activate()
    endpoint.handles += 1
    handle = 0x8338D690 + endpoint.handles  # near the user's own; a real one is an address in the modem
    after = modem.faults.qmi_call_ends
    ends_at = modem.now + START_S + after if after else None
    endpoint.start(Call(request.client, cid, context.apn, handle, request.number_of(0x19) or IPV4, ends_at))
    return Reply({0x01: handle.to_bytes(4, "little")}, wait_s=START_S)


def _context(service: Service, index: int | None, apn: str) -> tuple[int, Context]:
    """Return the context that a start asks for: by profile, by name, or the first one under another name."""
    if index is not None:
        found = service.contexts[index]
        return index, Context(found.kind, apn or found.apn)
    for cid, found in service.contexts.items():
        if apn and found.apn.lower() == apn.lower():
            return cid, found
    first = service.contexts.get(ATTACH_CID)
    return ATTACH_CID, Context("IP", apn or (first.apn if first else ""))


def _refusal(endpoint: Endpoint, cid: int, context: Context) -> Cause | None:
    """Return why the network, or the modem before it, refuses a call."""
    modem, service = endpoint.modem, endpoint.modem.service
    if modem.faults.qmi_reject:
        return calls.rejection(modem.faults.qmi_reject)
    if not service.ready:
        return calls.NO_CARD if service.functionality == 1 else calls.NO_SERVICE
    if not service.attached:
        return calls.NO_SERVICE
    if modem.now < service.refused_until:
        return calls.THROTTLED
    if modem.dialled(cid):
        return calls.IN_USE
    return calls.NOT_SUBSCRIBED if service.refusal(context) else None


def _stop(endpoint: Endpoint, request: Message) -> Reply:
    handle = request.number_of(0x01)
    if handle is None:
        return MISSING
    call = endpoint.call
    if call is None:
        return Reply(error=QmiError.NO_EFFECT)
    if handle not in {call.handle, ANY_HANDLE} or (handle != ANY_HANDLE and call.client != request.client):
        return Reply(error=QmiError.INVALID_HANDLE)
    endpoint.end(calls.CLIENT_ENDED, endpoint.modem.now)
    return Reply()


def _status(endpoint: Endpoint, _request: Message) -> Reply:
    return Reply({0x01: bytes((CONNECTED if endpoint.call else DISCONNECTED,))})


def _settings(endpoint: Endpoint, request: Message) -> Reply:
    """Settings belong to the client that has the call: another id gets none."""
    call = endpoint.call
    if call is None or call.client != request.client:
        return Reply(error=QmiError.OUT_OF_CALL)
    return Reply(
        {
            0x10: b"",
            0x11: b"\0",
            0x14: call.apn.encode("latin-1", "replace"),
            0x15: address(DNS[0]),
            0x16: address(DNS[1]),
            0x1E: address(ADDRESS),
            0x1F: bytes((0, call.cid)),
            0x20: address(GATEWAY),
            0x21: address(MASK),
            0x29: MTU.to_bytes(4, "little"),
            0x2A: b"\0",
            0x2B: bytes((call.family,)),
        }
    )


def _profiles(endpoint: Endpoint, _request: Message) -> Reply:
    cids = sorted(endpoint.modem.service.contexts)
    return Reply({0x01: bytes((len(cids),)) + b"".join(bytes((0, cid)) + text(f"profile{cid}") for cid in cids)})


def _profile(endpoint: Endpoint, request: Message) -> Reply:
    value = request.value(0x01)
    cid = value[1] if len(value) == 2 else ATTACH_CID  # default settings name the type only
    context = endpoint.modem.service.contexts.get(cid)
    if context is None:
        return Reply(error=QmiError.INVALID_PROFILE)
    kind = {"IPV6": 2, "IPV4V6": 3}.get(context.kind, 0)
    name, apn = f"profile{cid}".encode(), context.apn.encode("latin-1", "replace")
    return Reply({0x10: name, 0x11: bytes((kind,)), 0x14: apn, 0x1B: b"", 0x1C: b"", 0x1D: b"\0", 0x25: bytes((cid,))})


def _modify_profile(endpoint: Endpoint, request: Message) -> Reply:
    value = request.value(0x01)
    if len(value) != 2:
        return MISSING
    context = endpoint.modem.service.contexts.get(value[1])
    kind = {2: "IPV6", 3: "IPV4V6"}.get(request.number_of(0x11) or 0, "IP")
    apn = request.value(0x14).decode("latin-1") if 0x14 in request.values else (context.apn if context else "")
    final = endpoint.modem.service.define(value[1], kind, apn)
    return Reply() if final == "OK" else Reply(error=QmiError.INVALID_ARGUMENT)


TABLE: dict[tuple[ServiceId, int], Answer] = {
    (ServiceId.CTL, 0x0020): lambda _endpoint, _request: Reply({0x01: b"\0\0"}),
    (ServiceId.CTL, 0x0021): _versions,
    (ServiceId.CTL, 0x0022): _allocate,
    (ServiceId.CTL, 0x0023): _release,
    (ServiceId.CTL, 0x0026): _old_data_format,
    (ServiceId.CTL, 0x0027): _sync,
    (ServiceId.WDA, 0x0020): _set_data_format,
    (ServiceId.WDA, 0x0021): _data_format,
    (ServiceId.WDS, 0x0000): _nothing,  # reset
    (ServiceId.WDS, 0x0001): _nothing,  # set event report
    (ServiceId.WDS, 0x0003): _nothing,  # register for indications
    (ServiceId.WDS, 0x0020): _start,
    (ServiceId.WDS, 0x0021): _stop,
    (ServiceId.WDS, 0x0022): _status,
    (ServiceId.WDS, 0x0028): _modify_profile,
    (ServiceId.WDS, 0x002A): _profiles,
    (ServiceId.WDS, 0x002B): _profile,
    (ServiceId.WDS, 0x002C): _profile,
    (ServiceId.WDS, 0x002D): _settings,
    (ServiceId.WDS, 0x0034): lambda _endpoint, _request: Reply({0x01: b"\0"}),  # autoconnect is off
    (ServiceId.WDS, 0x004D): _nothing,  # set IP family
    (ServiceId.WDS, 0x00AF): _nothing,  # bind subscription
}
