"""Appending to HDF5 byte by byte, so that a trajectory file is whole at every instant.

**Why.** A run takes hours, and what it has announced must be there after a kill, for readers that look in while it
goes on, and for the run that continues it to the same bits. The HDF5 library promises none of that: it keeps headers
and index in memory and writes them when it likes, so that a process that is killed in between leaves a file that
cannot be opened. Its mode for readers beside a writer (SWMR) wants the newest file format, which other programs read
less well, and lets no attribute change. So the library makes each file once, in memory, with everything but snapshots
and in its oldest format (superblock 0, object headers of version 1, B-trees of version 1); from then on rows are
appended by the modules of this folder, and the library is asked for nothing but the compression of chunks.

- `hdf5_bytes` reads headers and writes pages, `btree` the index of chunks, `fletcher` their checksums.
- `appender` is the file that grows: rows are written behind the end that the file names, then entered in the index,
  then announced by writing anew the page on which the lengths of all variables lie. In a durable file it waits for the
  disk between these.
- `integrity` is the seal: a checksum of headers, names, attributes, coordinates and data, but for the bytes that
  change.

**What it assumes.**

1. A write within one page of 4096 bytes is not torn: the system copies it as a whole, and notices a kill only before or
   after. For losses of power (``output.durable``) the same is asked of the disk.
2. The headers of what is announced together lie on one page: those of the variables of a snapshot, those of the table
   of steps, and on the first page the attributes that change. `opening.announces_at_once` looks at it. The files of all
   solvers keep it, with any problem text, number of attributes and size of fields (names and texts lie elsewhere):
   thirteen variables, the most that a solver has, take 3.8 KiB. Where the library moves them between pages, other
   layouts are tried. A solver with more variables can fail it, and so can a file for which no layout is found.
3. The file system is local: what one process has written another one reads at once, and in that order. Network file
   systems cache, and promise it only to those who open the file after it was closed.
4. One process writes: it holds a lock (`fcntl.flock`, see `wgflow.system.file_locks`) by which a second one is refused.
   File systems without locks want ``HDF5_USE_FILE_LOCKING=FALSE``, which leaves it to the user.

**How a reader checks it.** Each snapshot of a field is a chunk with a Fletcher-32 checksum, and each row of scalars and
of steps has a checksum in a column of its own; both are compared whenever they are read. `wgflow.load` compares the
seal before the library sees the file. ``wgflow info FILE --check`` (`wgflow.trajectory.checking`) reads all of it: the
seal, the structure, lengths, labels, and every checksum. Other programs read the file as any of HDF5, and the library
compares the checksums of fields for them.

**What takes over.** Where 2 fails, or there is no `fcntl` (as on Windows, where nothing of this is tested), `opening`
gives the recorder a `plain.PlainFile` instead, which offers the same (`interface.AppendableFile`) and lets the HDF5
library write; a `FlowWarning` says so once. Such files have the same content, checksums and seal, are read, checked and
continued as the others, to the same bits, and either way of writing goes on from the other. What is lost is that the
file is whole in between: a kill while the library writes can leave a file that is refused as damaged,
snapshots included, and a reader may have to wait for the end of a write, as `wgflow.load` does.
Without `fcntl` a second run on the same file is not refused either. Where 1 or 3 fails nothing takes over, since no
program can tell: write to a local disk, and copy.
"""
