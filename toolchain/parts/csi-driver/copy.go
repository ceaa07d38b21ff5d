package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	seekData = 3
	seekHole = 4
	// FICLONE, by which file systems that can share blocks copy at once.
	clone = 0x40049409
)

// copied copies a file or a folder with owners, modes and holes. What is neither file, folder nor link is refused.
func copied(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) && path != from {
			// Removed meanwhile: it is not in the copy.
			return nil
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		err = one(path, filepath.Join(to, relative))
		if errors.Is(err, os.ErrNotExist) && path != from {
			return nil
		}
		return err
	})
}

func one(from, to string) error {
	about, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch kind := about.Mode().Type(); kind {
	case fs.ModeDir:
		err = os.Mkdir(to, 0o700)
	case fs.ModeSymlink:
		var target string
		if target, err = os.Readlink(from); err == nil {
			err = os.Symlink(target, to)
		}
	case 0:
		err = sparse(from, to, about.Size())
	case fs.ModeSocket, fs.ModeNamedPipe:
		return nil
	default:
		return fmt.Errorf("%s is a %s, which is not copied", from, kind)
	}
	if err != nil {
		return err
	}
	owner := about.Sys().(*syscall.Stat_t)
	if err := os.Lchown(to, int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	if about.Mode().Type() == fs.ModeSymlink {
		return nil
	}
	// After the owner, whose change takes the bits of set-user-ID away.
	return os.Chmod(to, about.Mode())
}

// sparse copies a file without writing its holes.
func sparse(from, to string, size int64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(extents(in, out, size), out.Close())
	return err
}

func extents(in, out *os.File, size int64) error {
	if _, _, refused := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), clone, in.Fd()); refused == 0 {
		return out.Truncate(size)
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	for at := int64(0); at < size; {
		start, err := in.Seek(at, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return nil
		}
		if err != nil {
			return err
		}
		end, err := in.Seek(start, seekHole)
		if err != nil {
			return err
		}
		if end = min(end, size); start >= end {
			return nil
		}
		if _, err := in.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, end-start); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		at = end
	}
	return nil
}
