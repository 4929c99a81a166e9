/**
 * @generated SignedSource<<fc15967df8a0e262c748e3ef1498032e>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type SnapshotStatus = "COMPLETED" | "CREATING" | "DELETED" | "DELETING" | "FAILED" | "UNAVAILABLE" | "%future added value";
export type liveWatchSubscription$variables = {
  after?: string | null | undefined;
};
export type liveWatchSubscription$data = {
  readonly snapshotTransitions: {
    readonly cursor: string;
    readonly from: SnapshotStatus | null | undefined;
    readonly sequence: number;
    readonly snapshot: {
      readonly id: string;
      readonly name: string;
      readonly status: SnapshotStatus;
    } | null | undefined;
    readonly snapshotId: string;
    readonly to: SnapshotStatus;
  };
};
export type liveWatchSubscription = {
  response: liveWatchSubscription$data;
  variables: liveWatchSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "after"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "after",
        "variableName": "after"
      }
    ],
    "concreteType": "SnapshotTransition",
    "kind": "LinkedField",
    "name": "snapshotTransitions",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "cursor",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "sequence",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "snapshotId",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "from",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "to",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "concreteType": "Snapshot",
        "kind": "LinkedField",
        "name": "snapshot",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "name",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "status",
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "liveWatchSubscription",
    "selections": (v1/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "liveWatchSubscription",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "e8a414dbbd5434f1525d93ec953a2489",
    "id": null,
    "metadata": {},
    "name": "liveWatchSubscription",
    "operationKind": "subscription",
    "text": "subscription liveWatchSubscription(\n  $after: String\n) {\n  snapshotTransitions(after: $after) {\n    cursor\n    sequence\n    snapshotId\n    from\n    to\n    snapshot {\n      id\n      name\n      status\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "8016a7bf290e957d63fd5e92c3f88633";

export default node;
