/** The part of the gateway's schema that is asked for, as Apollo Server and Mercurius take it. */
export const TYPES = /* GraphQL */ `
  scalar DateTime
  enum DiskKind {
    SYSTEM
    DATA
  }
  enum DiskStatus {
    CREATING
    UNMOUNTED
    NORMAL
    IN_USE
    ATTACHING
    DETACHING
    SCALING
    SNAPSHOTTING
    IMAGING
    RECHARGING
    ROLLING_BACK
    DELETING
    EXPIRED
    NOT_AVAILABLE
    ERROR
    RECYCLED
    UNKNOWN
  }
  enum SnapshotStatus {
    CREATING
    COMPLETED
    FAILED
    UNAVAILABLE
    DELETING
    DELETED
  }
  type Disk {
    id: ID!
    name: String!
    kind: DiskKind!
    status: DiskStatus!
    sizeGiB: Float!
    createdAt: DateTime!
    snapshots(first: Int): SnapshotConnection!
  }
  type DiskConnection {
    nodes: [Disk!]!
  }
  type Snapshot {
    id: ID!
    name: String!
    status: SnapshotStatus!
    sizeGiB: Float!
    createdAt: DateTime!
  }
  type PageInfo {
    hasNextPage: Boolean!
  }
  type SnapshotConnection {
    nodes: [Snapshot!]!
    pageInfo: PageInfo!
  }
  input SnapshotStatusFilter {
    eq: SnapshotStatus
  }
  input SnapshotFilter {
    status: SnapshotStatusFilter
  }
  type Query {
    disk(id: ID!): Disk
    disks(first: Int): DiskConnection!
    snapshots(first: Int, filter: SnapshotFilter): SnapshotConnection!
  }
  input CreateSnapshotInput {
    diskId: ID!
    name: String!
  }
  interface UserError {
    code: String!
    message: String!
  }
  type DiskNotFound implements UserError {
    code: String!
    message: String!
  }
  type CreateSnapshotPayload {
    snapshot: Snapshot!
  }
  union CreateSnapshotResult = CreateSnapshotPayload | DiskNotFound
  type Mutation {
    createSnapshot(input: CreateSnapshotInput!): CreateSnapshotResult!
  }
`

export const GIB = 1024 ** 3
