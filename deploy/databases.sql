-- One database per service: each owns its store.
CREATE DATABASE boss_agreements;
CREATE DATABASE boss_billing;
CREATE DATABASE boss_arm;
CREATE DATABASE boss_notifications;
CREATE DATABASE boss_collections;
