/**
 * @generated SignedSource<<421f7128ddb43e30b82bdd68f0f29df1>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type SnapshotStatus = "COMPLETED" | "CREATING" | "DELETED" | "DELETING" | "FAILED" | "UNAVAILABLE" | "%future added value";
export type liveListQuery$variables = Record<PropertyKey, never>;
export type liveListQuery$data = {
  readonly snapshots: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly name: string;
      readonly status: SnapshotStatus;
    }>;
    readonly streamCursor: string;
  };
};
export type liveListQuery = {
  response: liveListQuery$data;
  variables: liveListQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Literal",
        "name": "first",
        "value": 100
      }
    ],
    "concreteType": "SnapshotConnection",
    "kind": "LinkedField",
    "name": "snapshots",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "streamCursor",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "concreteType": "Snapshot",
        "kind": "LinkedField",
        "name": "nodes",
        "plural": true,
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
    "storageKey": "snapshots(first:100)"
  }
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "liveListQuery",
    "selections": (v0/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "liveListQuery",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "cacheID": "005adf614f54f1edcc3d67e956de0936",
    "id": null,
    "metadata": {},
    "name": "liveListQuery",
    "operationKind": "query",
    "text": "query liveListQuery {\n  snapshots(first: 100) {\n    streamCursor\n    nodes {\n      id\n      name\n      status\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "fc2cc4216f1b53c87c8616bc577f1936";

export default node;
