// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ledgers as the released versions wrote them: what their files hold, as SQL.
#pragma once

namespace genpro::test {

// Version 2, written by its own program: a row was removed, and there is one of each status; the
// last one was sent again.
inline constexpr const char* ledger_of_version_2 = R"sql(
PRAGMA journal_mode=WAL;
CREATE TABLE generations (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         fingerprint TEXT NOT NULL,
         base_url TEXT NOT NULL,
         cell_path TEXT NOT NULL,
         agent_id TEXT NOT NULL,
         model TEXT NOT NULL,
         request TEXT NOT NULL,
         idempotency_key TEXT NOT NULL,
         generation_id TEXT NOT NULL DEFAULT '',
         status TEXT NOT NULL,
         stop_wanted INTEGER NOT NULL DEFAULT 0,
         cost REAL,
         reason TEXT NOT NULL DEFAULT '',
         bytes_delivered INTEGER NOT NULL DEFAULT 0,
         created_at INTEGER NOT NULL,
         posted_at INTEGER NOT NULL,
         ended_at INTEGER NOT NULL DEFAULT 0,
         delivered_at INTEGER NOT NULL DEFAULT 0,
         delivered_by TEXT NOT NULL DEFAULT '',
         jobs_before TEXT, unfinished_at INTEGER NOT NULL DEFAULT 0, length REAL);
INSERT INTO generations VALUES(2,'9a02de0c073a1f82adc533560d4972e8ef5ec7eb99bfc4c4932419a0054bbb75','https://api.gen.pro/v1','autocontentengine/101/cells/3301','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"posting"},"generation_type":"video_from_ingredients"}','6ed3ac8b-9f10-492d-bce0-ac08660035e2','','submitting',0,NULL,'',0,1795896501416,1795896501416,0,0,'','["1","2-b"]',0,5.0);
INSERT INTO generations VALUES(3,'deede1b7760278b1556d2019bc2f604fa70100d3eace7d129c5cc36fb5a97bc7','https://api.gen.pro/v1','autocontentengine/101/cells/3302','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"unknown"},"generation_type":"video_from_ingredients"}','69fbd6d8-ed0e-4896-ae31-c8b1fe019c5d','','unknown',1,NULL,'',0,1795896501419,1795896501419,0,0,'',NULL,0,5.0);
INSERT INTO generations VALUES(4,'9ea26245251fb27f483170fae8680a7428f3ca738f1db9f0cd97e3aedaa1065f','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"pending"},"generation_type":"video_from_ingredients"}','dc787c6a-6f9f-4de0-a14b-a08d9737b016','9001','pending',0,2.5,'',0,1795896501428,1795896501428,0,0,'',NULL,1795896501432,5.0);
INSERT INTO generations VALUES(5,'fccb95f2238f8cbf910623b86f7296294f51aa2ba500db7ac29f3b686bd0c331','http://127.0.0.1:8123/v1','vidsheet/101/cells/0007','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"model":"pika","prompt":"processing \"quoted\" ä"},"generation_type":"video_from_ingredients"}','c247a575-f750-4c67-8579-4b8f4d1b1cb4','9002','processing',1,NULL,'',0,1795896501432,1795896501432,0,0,'',NULL,1795896501440,NULL);
INSERT INTO generations VALUES(6,'f129fd6b9667027a31a1b24c8fd0dc814fccff3436c2c55722735888e7e8d914','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"completed"},"generation_type":"video_from_ingredients"}','8e4cbf1d-fab8-4e47-becc-af4a601ec410','9003','completed',0,3.0,'',77,1795896501444,1795896501444,1795896501448,0,'',NULL,1795896501447,5.0);
INSERT INTO generations VALUES(7,'68a5bc72318695b2e325b090d6c55dff5bb15e55e4b9e45e908310fb2ff121b1','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"delivered"},"generation_type":"video_from_ingredients"}','287e30e1-93ef-498e-85da-88a817357deb','9004','completed',0,4.0,'',1000,1795896501452,1795896501452,1795896501455,1795896501459,'30374:44d212c1-12dd-4e34-91ef-5184e67ecb51',NULL,1795896501455,5.0);
INSERT INTO generations VALUES(8,'66a8d4f30d428436548682c70de441488cd15e91d3216b530cf3f67b460fe007','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"failed"},"generation_type":"video_from_ingredients"}','078b70bb-87ae-4920-8def-be60f699ea1d','9005','failed',0,0.0,replace('the model\ngave up','\n',char(10)),0,1795896501460,1795896501460,1795896501464,0,'',NULL,0,5.0);
INSERT INTO generations VALUES(9,'ee1b0da143b0a842cca0bae3b563f0ba53cf4dfa7aece1c6ec7c72a59fc6a249','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"stopped"},"generation_type":"video_from_ingredients"}','31f6bb7c-0bf1-4909-9929-4db70ea68dae','9006','stopped',0,NULL,'',0,1795896501468,1795896501468,1795896501470,0,'',NULL,0,5.0);
INSERT INTO generations VALUES(10,'23c16c4e3f44f9e13f8ce44d58a8bc4c6fd8841fb539a4f7a9261f2970f6d33d','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"refused"},"generation_type":"video_from_ingredients"}','88d055fc-df7a-4ad7-9eac-9c5714e9a6b1','','refused',0,NULL,'no credits',0,1795896501475,1795896501475,1795896501484,0,'',NULL,0,5.0);
INSERT INTO generations VALUES(11,'590bf2cc03edd36a9c50c518cc19aa573710552176511d6271d2f5718339f4a8','https://api.gen.pro/v1','autocontentengine/101/cells/3303','043','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"again"},"generation_type":"video_from_ingredients"}','f237a981-29b7-4558-9022-d04582d114d3','','unknown',0,NULL,'',0,1795896501488,1795896501504,0,0,'','["5","6"]',0,5.0);
UPDATE sqlite_sequence SET seq = 12;
CREATE INDEX by_request ON generations (fingerprint);
CREATE INDEX by_cell ON generations (base_url, cell_path, posted_at);
CREATE INDEX by_agent ON generations (agent_id, created_at);
CREATE INDEX by_stop ON generations (base_url) WHERE stop_wanted;
CREATE INDEX by_model ON generations (base_url, model)
         WHERE status IN ('completed', 'stopped');
PRAGMA application_id=0x47504c67;
PRAGMA user_version=2;
)sql";

// Version 1 had no `unfinished_at` and no `length`.
inline constexpr const char* ledger_of_version_1 = R"sql(
PRAGMA journal_mode=WAL;
CREATE TABLE generations (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         fingerprint TEXT NOT NULL,
         base_url TEXT NOT NULL,
         cell_path TEXT NOT NULL,
         agent_id TEXT NOT NULL,
         model TEXT NOT NULL,
         request TEXT NOT NULL,
         idempotency_key TEXT NOT NULL,
         generation_id TEXT NOT NULL DEFAULT '',
         status TEXT NOT NULL,
         stop_wanted INTEGER NOT NULL DEFAULT 0,
         cost REAL,
         reason TEXT NOT NULL DEFAULT '',
         bytes_delivered INTEGER NOT NULL DEFAULT 0,
         created_at INTEGER NOT NULL,
         posted_at INTEGER NOT NULL,
         ended_at INTEGER NOT NULL DEFAULT 0,
         delivered_at INTEGER NOT NULL DEFAULT 0,
         delivered_by TEXT NOT NULL DEFAULT '',
         jobs_before TEXT);
INSERT INTO generations VALUES(2,'9a02de0c073a1f82adc533560d4972e8ef5ec7eb99bfc4c4932419a0054bbb75','https://api.gen.pro/v1','autocontentengine/101/cells/3301','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"posting"},"generation_type":"video_from_ingredients"}','6ed3ac8b-9f10-492d-bce0-ac08660035e2','','submitting',0,NULL,'',0,1795896501416,1795896501416,0,0,'','["1","2-b"]');
INSERT INTO generations VALUES(3,'deede1b7760278b1556d2019bc2f604fa70100d3eace7d129c5cc36fb5a97bc7','https://api.gen.pro/v1','autocontentengine/101/cells/3302','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"unknown"},"generation_type":"video_from_ingredients"}','69fbd6d8-ed0e-4896-ae31-c8b1fe019c5d','','unknown',1,NULL,'',0,1795896501419,1795896501419,0,0,'',NULL);
INSERT INTO generations VALUES(4,'9ea26245251fb27f483170fae8680a7428f3ca738f1db9f0cd97e3aedaa1065f','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"pending"},"generation_type":"video_from_ingredients"}','dc787c6a-6f9f-4de0-a14b-a08d9737b016','9001','pending',0,2.5,'',0,1795896501428,1795896501428,0,0,'',NULL);
INSERT INTO generations VALUES(5,'fccb95f2238f8cbf910623b86f7296294f51aa2ba500db7ac29f3b686bd0c331','http://127.0.0.1:8123/v1','vidsheet/101/cells/0007','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"model":"pika","prompt":"processing \"quoted\" ä"},"generation_type":"video_from_ingredients"}','c247a575-f750-4c67-8579-4b8f4d1b1cb4','9002','processing',1,NULL,'',0,1795896501432,1795896501432,0,0,'',NULL);
INSERT INTO generations VALUES(6,'f129fd6b9667027a31a1b24c8fd0dc814fccff3436c2c55722735888e7e8d914','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"completed"},"generation_type":"video_from_ingredients"}','8e4cbf1d-fab8-4e47-becc-af4a601ec410','9003','completed',0,3.0,'',77,1795896501444,1795896501444,1795896501448,0,'',NULL);
INSERT INTO generations VALUES(7,'68a5bc72318695b2e325b090d6c55dff5bb15e55e4b9e45e908310fb2ff121b1','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"delivered"},"generation_type":"video_from_ingredients"}','287e30e1-93ef-498e-85da-88a817357deb','9004','completed',0,4.0,'',1000,1795896501452,1795896501452,1795896501455,1795896501459,'30374:44d212c1-12dd-4e34-91ef-5184e67ecb51',NULL);
INSERT INTO generations VALUES(8,'66a8d4f30d428436548682c70de441488cd15e91d3216b530cf3f67b460fe007','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"failed"},"generation_type":"video_from_ingredients"}','078b70bb-87ae-4920-8def-be60f699ea1d','9005','failed',0,0.0,replace('the model\ngave up','\n',char(10)),0,1795896501460,1795896501460,1795896501464,0,'',NULL);
INSERT INTO generations VALUES(9,'ee1b0da143b0a842cca0bae3b563f0ba53cf4dfa7aece1c6ec7c72a59fc6a249','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"stopped"},"generation_type":"video_from_ingredients"}','31f6bb7c-0bf1-4909-9929-4db70ea68dae','9006','stopped',0,NULL,'',0,1795896501468,1795896501468,1795896501470,0,'',NULL);
INSERT INTO generations VALUES(10,'23c16c4e3f44f9e13f8ce44d58a8bc4c6fd8841fb539a4f7a9261f2970f6d33d','https://api.gen.pro/v1','autocontentengine/101/cells/3300','42','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"refused"},"generation_type":"video_from_ingredients"}','88d055fc-df7a-4ad7-9eac-9c5714e9a6b1','','refused',0,NULL,'no credits',0,1795896501475,1795896501475,1795896501484,0,'',NULL);
INSERT INTO generations VALUES(11,'590bf2cc03edd36a9c50c518cc19aa573710552176511d6271d2f5718339f4a8','https://api.gen.pro/v1','autocontentengine/101/cells/3303','043','pika','{"data":{"asset_resource_ids":[501,"0502"],"duration":5,"model":"pika","prompt":"again"},"generation_type":"video_from_ingredients"}','f237a981-29b7-4558-9022-d04582d114d3','','unknown',0,NULL,'',0,1795896501488,1795896501504,0,0,'','["5","6"]');
UPDATE sqlite_sequence SET seq = 12;
CREATE INDEX by_request ON generations (fingerprint);
CREATE INDEX by_cell ON generations (base_url, cell_path, posted_at);
CREATE INDEX by_agent ON generations (agent_id, created_at);
CREATE INDEX by_stop ON generations (base_url) WHERE stop_wanted;
PRAGMA application_id=0x47504c67;
PRAGMA user_version=1;
)sql";

}  // namespace genpro::test
