/** Everything that the trail tells of what is sold, to whom, and by which clients it is entered. */
import { operatorApi } from './api.ts';
import type { TestApp } from './app.ts';

/** Makes each of it happen, once. Before the clock is moved: a token would be too old. */
export async function driveSales(app: TestApp): Promise<void> {
  const operator = await operatorApi(app);
  const [account] = (await operator.get('/accounts?slug=initech')).body.items;
  const { body: product } = await operator.post('/products', { slug: 'sold', name: 'Sold' });
  const { body: client } = await operator.post('/clients', {
    name: 'Sold job',
    first_party: true,
    auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
  });
  const [productPath, clientPath] = [`/products/${product.id}`, `/clients/${client.client_id}`];
  const subscriptionPath = `/accounts/${account.id}/subscriptions/${product.id}`;
  const answers = [
    await operator.patch(productPath, { name: 'Sold well' }),
    await operator.patch(clientPath, { name: 'Another name' }),
    await operator.post(`${clientPath}/rotate-secret`, { overlap_seconds: 60 }),
    await operator.put(subscriptionPath, { seats: 1, expires_at: null }),
    await operator.put(subscriptionPath, { seats: 2, expires_at: null }),
    await operator.delete(subscriptionPath),
    await operator.delete(clientPath),
    await operator.delete(productPath),
  ];
  const refused = answers.find(({ status }) => status >= 300);
  if (refused) throw new Error(refused.text);
}
