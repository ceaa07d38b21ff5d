"""Disks with nothing on them but a boot sector, or a boot file, that says so and switches the machine off."""

import struct
from pathlib import Path

SAYS = "the disk booted"
_SERIAL, _POWER, _OFF = 0x3F8, 0x604, 0x2000  # COM1; ACPI's PM1a control of QEMU's q35, sleep type 5


def _program(text_at: bytes) -> bytes:
    """x86 code, the same in 16 and in 64 bit mode but for `text_at`: loads the text's address into (R)SI."""
    say = bytes.fromhex("ac 84c0 7403 ee ebf8")  # next: lodsb; test al, al; jz off; out dx, al; jmp next
    return text_at + say


def bios(file: Path) -> str:
    """A disk that SeaBIOS boots; what QEMU is told of it."""
    code = bytearray(b"\xfa\xfc\x31\xc0\x8e\xd8")  # cli; cld; xor ax, ax; mov ds, ax
    code += b"\xba" + struct.pack("<H", _SERIAL)  # mov dx, COM1
    off = b"\xba" + struct.pack("<H", _POWER) + b"\xb8" + struct.pack("<H", _OFF) + b"\xef\xf4"  # out dx, ax; hlt
    length = len(code) + 3 + 8 + len(off)
    code += _program(b"\xbe" + struct.pack("<H", 0x7C00 + length)) + off  # mov si, text
    sector = (bytes(code) + f"{SAYS}\r\n\0".encode()).ljust(510, b"\0") + b"\x55\xaa"
    file.write_bytes(sector.ljust(1 << 20, b"\0"))
    return str(file)


def uefi(folder: Path) -> str:
    """A disk that OVMF boots: a folder that QEMU shows as one; what QEMU is told of it."""
    boot = folder / "EFI" / "BOOT"
    boot.mkdir(parents=True)
    code = b"\xfc\x66\xba" + struct.pack("<H", _SERIAL)  # cld; mov dx, COM1
    off = b"\x66\xba" + struct.pack("<H", _POWER) + b"\x66\xb8" + struct.pack("<H", _OFF) + b"\x66\xef\xf4"
    code += _program(b"\x48\x8d\x35" + struct.pack("<i", 8 + len(off))) + off  # lea rsi, [rip + text]
    (boot / "BOOTX64.EFI").write_bytes(_application(code + f"{SAYS}\r\n\0".encode()))
    return f"fat:rw:{folder}"


def _application(code: bytes) -> bytes:
    """A UEFI application of this code: PE32+ with one section, which needs no relocation."""
    head, page = 0x200, 0x1000
    size = len(code) + -len(code) % 0x200
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, 0xF0, 0x0222)
    optional = struct.pack("<HBBIIIII", 0x20B, 1, 0, size, 0, 0, page, page)
    optional += struct.pack("<QIIHHHHHHIIIIHH", 0x400000, page, 0x200, 0, 0, 0, 0, 0, 0, 0, 2 * page, head, 0, 10, 0)
    optional += struct.pack("<QQQQII", 1 << 16, 1 << 16, 1 << 16, 0, 0, 16) + bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", len(code), page, size, head, 0, 0, 0, 0, 0x60000020)
    return (dos + coff + optional + section).ljust(head, b"\0") + code.ljust(size, b"\0")
