import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql'

const CONDITION = {
  type: new GraphQLNonNull(GraphQLBoolean),
  defaultValue: true,
  description: 'Whether it is delivered later.',
}
const LABEL = {
  type: GraphQLString,
  description: 'A name for the parts that it makes. No other @defer or @stream of the document may have it.',
}

/** Source: GraphQL specification, draft of 2022-08-24, "@defer" and "@stream". graphql-js 16 has neither. */
export const INCREMENTAL_DIRECTIVES = [
  new GraphQLDirective({
    name: 'defer',
    description:
      'The fragment may be delivered after the rest of the answer, to clients that accept ' +
      '`multipart/mixed;deferSpec=20220824` or `text/event-stream`. Not in subscriptions.',
    locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
    args: { if: CONDITION, label: LABEL },
  }),
  new GraphQLDirective({
    name: 'stream',
    description:
      'The entries of the list after the first ones may be delivered after the rest of the answer, to clients that ' +
      'accept `multipart/mixed;deferSpec=20220824` or `text/event-stream`. Not in subscriptions.',
    locations: [DirectiveLocation.FIELD],
    args: {
      if: CONDITION,
      initialCount: {
        type: GraphQLInt,
        defaultValue: 0,
        description: 'How many entries come with the rest of the answer, 0 or more.',
      },
      label: LABEL,
    },
  }),
]
