"""The system's words for an error in the languages of those who post most: glibc's translations of strerror(3).

Shells and terminal programs translate them; pppd, chat, wvdial and the managers never do.
"""

# ruff: noqa: RUF001 -- the letters are those of the language
_SAID: dict[str, tuple[str, ...]] = {
    "Permission denied": (
        "Keine Berechtigung",
        "Permission non accordée",
        "Permiso denegado",
        "Permesso negato",
        "Permissão negada",
        "Brak dostępu",
        "Toegang geweigerd",
        "Отказано в доступе",
    ),
    "No such file or directory": (
        "Datei oder Verzeichnis nicht gefunden",
        "Aucun fichier ou dossier de ce type",
        "No existe el archivo o el directorio",
        "File o directory non esistente",
        "Arquivo ou diretório não encontrado",
        "Nie ma takiego pliku ani katalogu",
        "Bestand of map bestaat niet",
        "Нет такого файла или каталога",
    ),
    "Device or resource busy": (
        "Das Gerät oder die Ressource ist belegt",
        "Périphérique ou ressource occupé",
        "Dispositivo o recurso ocupado",
        "Dispositivo o risorsa occupata",
        "Dispositivo ou recurso está ocupado",
        "Urządzenie lub zasoby zajęte",
        "Apparaat of hulpbron is bezig",
        "Устройство или ресурс занято",
    ),
}
TRANSLATED = {words: said for said, others in _SAID.items() for words in others}


def english(line: str) -> str:
    """Return the line with the system's words behind its last colon in English.

    >>> english("bash: /dev/ttyUSB0: Keine Berechtigung")
    'bash: /dev/ttyUSB0: Permission denied'
    """
    head, colon, words = line.rpartition(": ")
    return head + colon + TRANSLATED.get(words, words)
