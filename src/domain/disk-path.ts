/** Longest path of a disk, in UTF-16 code units. */
export const DISK_PATH_MAX_LENGTH = 4_096

/** Why a path cannot be registered as a disk. */
export const DISK_PATH_PROBLEMS = {
  NOT_ABSOLUTE: 'The path is not absolute. Use one such as /srv/disks/vm.img.',
  OUTSIDE: 'The path is outside the directories that disks can be registered from (DISK_DIRS).',
  MISSING: 'There is no file at this path.',
  NOT_A_DISK: 'The path is neither a regular file nor a block device.',
  UNREADABLE: 'The gateway has no permission to read the file at this path.',
  EMPTY: 'The file at this path is empty. A disk has at least 1 byte.',
  TOO_LARGE: 'The file at this path is larger than a disk can be: 9,007,199,254,740,991 bytes.',
} as const
export type DiskPathProblem = keyof typeof DISK_PATH_PROBLEMS
