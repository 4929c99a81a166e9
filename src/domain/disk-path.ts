/** Why a path cannot be registered as a disk. */
export const DISK_PATH_PROBLEMS = {
  NOT_ABSOLUTE: 'The path is not absolute. Write it from the root, such as /srv/disks/vm.img.',
  OUTSIDE:
    'The path does not lead into one of the directories that disks may be registered from (DISK_DIRS).',
  MISSING: 'There is no file at this path.',
  NOT_A_DISK: 'The path leads to something that is neither a regular file nor a block device.',
  UNREADABLE: 'The file at this path cannot be read by the gateway. Give it read permission.',
  EMPTY: 'The file at this path is empty. A disk has at least 1 byte.',
  TOO_LARGE: 'The file at this path is larger than a disk can be: 9,007,199,254,740,991 bytes.',
} as const
export type DiskPathProblem = keyof typeof DISK_PATH_PROBLEMS
