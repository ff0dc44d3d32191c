-- The sample shop: some 55,000 rows that are the same every time.
create schema shop;
set search_path = shop;

create type order_status as enum ('open', 'paid', 'shipped', 'returned');

create table customers (
    id          int primary key generated always as identity,
    name        text not null,
    email       text not null unique,
    phone       text,
    country     char(2) not null,
    card_tail   char(4),
    marketing   boolean not null default false,
    created_at  timestamptz not null
);
comment on table customers is 'People who have bought something at least once';
comment on column customers.card_tail is 'Last four digits of the card, for support calls';

create table products (
    id     int primary key generated always as identity,
    sku    text not null unique,
    name   text not null,
    price  numeric(10, 2) not null check (price > 0),
    stock  int not null check (stock >= 0),
    tags   text[] not null default '{}'
);
comment on table products is 'What the shop sells';

create table orders (
    id           int primary key generated always as identity,
    customer_id  int not null references customers (id),
    status       order_status not null default 'open',
    placed_at    timestamptz not null,
    note         text
);
comment on table orders is 'One row for each order; its lines are in order_items';

create table order_items (
    order_id    int not null references orders (id) on delete cascade,
    product_id  int not null references products (id),
    quantity    int not null check (quantity > 0),
    price       numeric(10, 2) not null,
    primary key (order_id, product_id)
);
comment on column order_items.price is 'Price of one piece when it was ordered';

create table payments (
    id        int primary key generated always as identity,
    order_id  int not null references orders (id),
    amount    numeric(10, 2) not null,
    method    text not null,
    paid_at   timestamptz not null
);

insert into customers (name, email, phone, country, card_tail, marketing, created_at)
select first || ' ' || last, lower(first || '.' || last || i || '@' || host), '+49 30 ' || (1000000 + i * 7919 % 8999999),
    (array ['DE', 'AT', 'CH', 'FR', 'NL', 'GB', 'US'])[1 + i % 7], lpad((i * 7331 % 10000)::text, 4, '0'), i % 3 = 0,
    timestamptz '2023-01-01 08:00+00' + i * interval '5 hours 17 minutes'
from generate_series(1, 5000) i
cross join lateral (select
    (array ['Ann', 'Ben', 'Carla', 'David', 'Elena', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Kira', 'Lena', 'Malik', 'Nora'])[1 + i % 14] as first,
    (array ['Adler', 'Bauer', 'Costa', 'Dubois', 'Engel', 'Fischer', 'Gruber', 'Hoffmann', 'Ivanova', 'Jansen', 'Keller'])[1 + i / 14 % 11] as last,
    (array ['example.com', 'example.org', 'mail.example.net'])[1 + i % 3] as host) names;

insert into products (sku, name, price, stock, tags)
select 'SKU-' || lpad(i::text, 4, '0'), size || ' ' || colour || ' ' || thing, (5 + i * 37 % 195)::numeric + 0.90, i * 13 % 400,
    array [lower(thing), lower(colour)]
from generate_series(1, 500) i
cross join lateral (select
    (array ['Small', 'Medium', 'Large', 'Huge'])[1 + i % 4] as size,
    (array ['red', 'green', 'blue', 'black', 'white'])[1 + i / 4 % 5] as colour,
    (array ['Kettle', 'Lamp', 'Chair', 'Mug', 'Basket', 'Clock', 'Mirror'])[1 + i / 20 % 7] as thing) words;

insert into orders (customer_id, status, placed_at, note)
select 1 + i * 7919 % 5000, (array ['paid', 'shipped', 'shipped', 'open', 'returned'])[1 + i % 5]::order_status,
    timestamptz '2024-01-01 06:00+00' + i * interval '67 minutes', case when i % 40 = 0 then 'Please ring twice' end
from generate_series(1, 12000) i;

insert into order_items (order_id, product_id, quantity, price)
select o, p.id, 1 + (o + n) % 3, p.price
from generate_series(1, 12000) o, generate_series(0, 1) n
join lateral (select id, price from products where id = 1 + (o * 31 + n * 173) % 500) p on true;

insert into payments (order_id, amount, method, paid_at)
select o.id, sum(i.quantity * i.price), (array ['card', 'transfer', 'wallet'])[1 + o.id % 3], o.placed_at + interval '9 minutes'
from orders o join order_items i on i.order_id = o.id
where o.status <> 'open'
group by o.id;

create index on orders (customer_id);
create index on orders (placed_at);
create index on payments (order_id);

create view customer_totals as
select c.id, c.name, c.email, count(distinct o.id) as orders, coalesce(sum(i.quantity * i.price), 0) as spent
from customers c
left join orders o on o.customer_id = c.id
left join order_items i on i.order_id = o.id
group by c.id;
comment on view customer_totals is 'What each customer has ordered, and for how much';

create function order_total(which int) returns numeric language sql stable as
    'select sum(quantity * price) from shop.order_items where order_id = which';
comment on function order_total is 'The sum of an order';

grant usage on schema shop to agent;
grant select, insert, update, delete on all tables in schema shop to agent;
grant usage on all sequences in schema shop to agent;

analyze;
