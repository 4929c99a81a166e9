/**
 * @generated SignedSource<<3b12d7e823e2f37401349c6aac9367cf>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type SnapshotStatus = "COMPLETED" | "CREATING" | "DELETED" | "DELETING" | "FAILED" | "UNAVAILABLE" | "%future added value";
export type firstListQuery$variables = Record<PropertyKey, never>;
export type firstListQuery$data = {
  readonly snapshots: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly name: string;
      readonly status: SnapshotStatus;
    }>;
    readonly streamCursor: string;
  };
};
export type firstListQuery = {
  response: firstListQuery$data;
  variables: firstListQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "alias": null,
    "args": null,
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
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "firstListQuery",
    "selections": (v0/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "firstListQuery",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "cacheID": "230158d80eca9ca3a730587142bcdb6a",
    "id": null,
    "metadata": {},
    "name": "firstListQuery",
    "operationKind": "query",
    "text": "query firstListQuery {\n  snapshots {\n    streamCursor\n    nodes {\n      id\n      name\n      status\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "6b1c781e0301016f16868f2db6ab7fe6";

export default node;
