BEGIN TRANSACTION;
CREATE TABLE affected_layers (
	position INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	layer_name TEXT NOT NULL, 
	storage_key TEXT, 
	relation TEXT NOT NULL, 
	CONSTRAINT pk_affected_layers PRIMARY KEY (position, layer_name)
);
INSERT INTO "affected_layers" VALUES(6,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(6,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(9,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(9,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(12,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(12,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(15,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(15,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(18,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(18,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(21,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(21,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(24,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(24,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(27,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(27,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(30,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(30,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(33,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(33,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(36,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(36,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(39,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(39,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(42,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(42,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(45,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(45,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(48,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(48,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(51,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(51,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(54,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(54,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(57,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(57,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(60,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(60,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(63,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(63,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(66,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(66,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(69,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(69,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(72,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(72,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(75,'m','head','embed','primary');
INSERT INTO "affected_layers" VALUES(75,'m','embed','embed','alias');
INSERT INTO "affected_layers" VALUES(78,'m','up','up','primary');
INSERT INTO "affected_layers" VALUES(83,'m','up','up','primary');
CREATE TABLE appends (
	append_id INTEGER NOT NULL, 
	first_position INTEGER NOT NULL, 
	last_position INTEGER NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	actor TEXT, 
	correlation_id TEXT, 
	digest BLOB NOT NULL, 
	CONSTRAINT pk_appends PRIMARY KEY (append_id)
);
INSERT INTO "appends" VALUES(0,1,0,0,NULL,NULL,X'9D638423A37B90C5D60FF6BC6CE6F1595DA4E187CADEBF3AAE79C0180A674D3F');
INSERT INTO "appends" VALUES(1,1,1,1796038233242900,'freezer','frozen',X'12BE8225EEEA50DA96955DE7DFB4D2A43D5CB6FC3602620F9A9C29C9AE1F4132');
INSERT INTO "appends" VALUES(2,2,2,1796038233245345,'freezer','frozen',X'E01B24A375B1DCA668F3EA9CA76EC39080A2048AED3A1033A41F6D4C96710750');
INSERT INTO "appends" VALUES(3,3,3,1796038233246566,'freezer','frozen',X'AB7D553FB5BB1BAEE51DFD8815C927185ED7F2C53BD27F6859ABFEBDBDDED470');
INSERT INTO "appends" VALUES(4,4,4,1796038233248907,'freezer','frozen',X'0FE3E2519D3A81614957C98CF15C20CC326086C4AAF5BBB40D9900A3F29809F8');
INSERT INTO "appends" VALUES(5,5,5,1796038233250334,'freezer','frozen',X'6D7D82D1BCF2B5AFB3AFFDD85941F4A3EFE3ED45126025453FDE3950540B940F');
INSERT INTO "appends" VALUES(6,6,6,1796038233252360,'freezer','frozen',X'0B239D54147F73CBB84D520114F54F02A06E4A4DB44069B95978CAA1D8A7A83A');
INSERT INTO "appends" VALUES(7,7,7,1796038233253509,'freezer','frozen',X'67725245A27326B6157E3BD256816C41A1A062EE4AFE0A9582EC1DDC26A248AC');
INSERT INTO "appends" VALUES(8,8,8,1796038233254479,'freezer','frozen',X'75F1140D61683E4F2025F25922B304D967B8DD8AC2D85ABD24105EA3D73535BA');
INSERT INTO "appends" VALUES(9,9,9,1796038233255895,'freezer','frozen',X'5E47A583FF82FCD6A2A5088EFBD791A0BEAD1D726A76AC23039EA0F0463C6DDB');
INSERT INTO "appends" VALUES(10,10,10,1796038233256982,'freezer','frozen',X'D8517A8C32175B517C5F022ACE37DBE6611BB3D8BECB84CB8045C0A6F6C05A4F');
INSERT INTO "appends" VALUES(11,11,11,1796038233257876,'freezer','frozen',X'9E0AC6FD78B6E6C5CBF6D64B40BBBC6ADB520F70721681704267A8F54E8FB0A5');
INSERT INTO "appends" VALUES(12,12,12,1796038233259251,'freezer','frozen',X'66278E9AF546215AB25BBB1EF84BF28943230F79BC13DCEC383B408B5191F432');
INSERT INTO "appends" VALUES(13,13,13,1796038233260217,'freezer','frozen',X'49AE4FC7010A7BD0E8862CA15ED58AD4F1432490663F574CFA94521CF559A796');
INSERT INTO "appends" VALUES(14,14,14,1796038233261081,'freezer','frozen',X'95B9847659026A5A9C1F6435868498418D2695D0BE11E757C5D03DCB31B8A26B');
INSERT INTO "appends" VALUES(15,15,15,1796038233262453,'freezer','frozen',X'8E0F5DE99A3A7B59AE32725D3D1960EE1EC7F7554B97B0A134305D27FA83876A');
INSERT INTO "appends" VALUES(16,16,16,1796038233263521,'freezer','frozen',X'5C8C06F1EECBBA0C81C9D56CBD67795FBDA177D4E398F96B9A705FDC4DF9C534');
INSERT INTO "appends" VALUES(17,17,17,1796038233264457,'freezer','frozen',X'C7A101030D96C8621B95CB9B0EC6F563951CF99C7AC980C420AD0987A8E3A592');
INSERT INTO "appends" VALUES(18,18,18,1796038233265858,'freezer','frozen',X'466D6F9251C9ECC1C2CAE976F8896D496A696783A57F622E986B6D1D6E67F0C8');
INSERT INTO "appends" VALUES(19,19,19,1796038233266848,'freezer','frozen',X'B678506075B02742FA3D6EE13F63FBA4CBA5D7C1B9F9BEEEADE679AF47BBDF9D');
INSERT INTO "appends" VALUES(20,20,20,1796038233267734,'freezer','frozen',X'D69806BFAFDC67D5B9C6D4E7327EA39692D52B4E88310407AA8F1D00007BF268');
INSERT INTO "appends" VALUES(21,21,21,1796038233269144,'freezer','frozen',X'DC2070DCF8E7621CD8804A4DDE5952FDC3F55496C91AAA655BA5373A0D163E9D');
INSERT INTO "appends" VALUES(22,22,22,1796038233270088,'freezer','frozen',X'E029081D0440DC6C369F48F536C0C7B405F9BABC3124D8A70913968CD63D10BB');
INSERT INTO "appends" VALUES(23,23,23,1796038233270990,'freezer','frozen',X'79ED562F498346AA90F137A56B4A94001FCFDDBC20188219F1132022291C9DDC');
INSERT INTO "appends" VALUES(24,24,24,1796038233272332,'freezer','frozen',X'6A65CDDCFE014576AF14ED412792F0BA64BED954CA845E6D385A2A0421788C3E');
INSERT INTO "appends" VALUES(25,25,25,1796038233273374,'freezer','frozen',X'AADD80EF334CF06F302FA33AC9BBA6C3D7B744CE410879487F31BFC5BE1FD4CB');
INSERT INTO "appends" VALUES(26,26,26,1796038233274263,'freezer','frozen',X'1E7335B2DD728B863D5E20A43ACDCCF1BF3CA2469C08755C63CB2ACB104DB148');
INSERT INTO "appends" VALUES(27,27,27,1796038233275653,'freezer','frozen',X'E4AF8FBBF6A686AD10D267AE1206D07AD5F311CEC49C92A933732D760672FD6D');
INSERT INTO "appends" VALUES(28,28,28,1796038233276671,'freezer','frozen',X'26B969A13E494357C84A08D0CD50E35CA5697A4EF6107803E35AE96EF3BEE185');
INSERT INTO "appends" VALUES(29,29,29,1796038233277550,'freezer','frozen',X'CD18642AEC40059C8113F18D56E75707DAB8C87EE3E218B87860CA92FD7B4519');
INSERT INTO "appends" VALUES(30,30,30,1796038233279089,'freezer','frozen',X'4A861FCC205A6EF56DA1F7EF0441037B7C959BF1DDD5DADE48E8BDAF038A282D');
INSERT INTO "appends" VALUES(31,31,31,1796038233280458,'freezer','frozen',X'7F9A46EEBF0FF35B159BEDC2650A8D10336F0F77845EC6A9992A6B3DBBC99AE7');
INSERT INTO "appends" VALUES(32,32,32,1796038233281449,'freezer','frozen',X'DA1E8F6905AAD5A9B8081B248C68F0DDC9FAB81B191C4BF71A4E97F6132A45B4');
INSERT INTO "appends" VALUES(33,33,33,1796038233285628,'freezer','frozen',X'FBDC3E0C3D3D15B715692C9941897B7DC24727ECBCCC142A5A0A71A48DE63DB8');
INSERT INTO "appends" VALUES(34,34,34,1796038233286672,'freezer','frozen',X'EAC202C5A5D18E3E6D88283B80018E01EF5E49199C0D77EF76AA27027C8AE452');
INSERT INTO "appends" VALUES(35,35,35,1796038233289154,'freezer','frozen',X'686D1DFEEB676A0CC9EC82A0ED3D91785AD10EA48E18C5D24DE9E53725238330');
INSERT INTO "appends" VALUES(36,36,36,1796038233293712,'freezer','frozen',X'3948A68B8AA422A0E5154673B920BB4FD80CE82581A2795CE7D5C58C1FAAD8B5');
INSERT INTO "appends" VALUES(37,37,37,1796038233294731,'freezer','frozen',X'3DFC1BEB7781C782A537EE714CA8DEA33D6BB79683F60B9B3445C5EBBBDA0ED3');
INSERT INTO "appends" VALUES(38,38,38,1796038233295824,'freezer','frozen',X'6EF7E15FB6B9B7B577DB02D2BF78BD65DA8E4DA9D876B64DFD998753572D2290');
INSERT INTO "appends" VALUES(39,39,39,1796038233297311,'freezer','frozen',X'9AD301B61A78DD8AB0F01E0A75C4B6F6275745B5DFD8A6B2D935601D371CB113');
INSERT INTO "appends" VALUES(40,40,40,1796038233298340,'freezer','frozen',X'CBD6FC3920D6D345FF63E8787BDD926AB306205A048B897F67D3DEBD7287602A');
INSERT INTO "appends" VALUES(41,41,41,1796038233299351,'freezer','frozen',X'5D84037696E828123EC468FF026649A644D2308B02A1B5C017437668F0FAF9AD');
INSERT INTO "appends" VALUES(42,42,42,1796038233300867,'freezer','frozen',X'CCCE602E3D4393E79AEEAE81DEC8123A849AE37CD6BA41B8ED70B1C617B3AF6F');
INSERT INTO "appends" VALUES(43,43,43,1796038233306867,'freezer','frozen',X'A9D6D329D6F3D825259E66239CF897CA2F0B3820C02D4D1C6E000D1C75ED026C');
INSERT INTO "appends" VALUES(44,44,44,1796038233309060,'freezer','frozen',X'936306E9737E89D49F92D704E9CB13394AFB6BE96CBD86CA3452EEC5101B8B29');
INSERT INTO "appends" VALUES(45,45,45,1796038233313680,'freezer','frozen',X'0C3FC8C582A6DE7581B2FFE1F79A8FA7433443DF05DE6440E32BEBC208A530BA');
INSERT INTO "appends" VALUES(46,46,46,1796038233314673,'freezer','frozen',X'6F655C0C2F832CD4EB386807CF5846F434E068EC04E60DEA907BC00925E6E5CE');
INSERT INTO "appends" VALUES(47,47,47,1796038233317093,'freezer','frozen',X'9401553EE729AFE84970986539CF014F36D3EBBC523AE4B78EAAFA2047F21A9F');
INSERT INTO "appends" VALUES(48,48,48,1796038233318573,'freezer','frozen',X'3E4BFB0B8E4918AD4E115B46145C6533E8D8A4C22F078B78073019CB43E812D0');
INSERT INTO "appends" VALUES(49,49,49,1796038233319649,'freezer','frozen',X'0C55E033F80DB98E19CDEBE7C6419FC1C3C1725A33E692C1ADACF936D44EFA86');
INSERT INTO "appends" VALUES(50,50,50,1796038233320664,'freezer','frozen',X'EE544F997D00BFA80D67A39DAB7D47019751ACCD76449B83FBE96B2AF65EA80C');
INSERT INTO "appends" VALUES(51,51,51,1796038233322130,'freezer','frozen',X'4A45B8BF109E347A998489712E64642EB6A7A60FCE77BF2C020BDBA2DE4A2ACD');
INSERT INTO "appends" VALUES(52,52,52,1796038233323154,'freezer','frozen',X'F0F4DAEF2A41A7030668CA10FCA94BB3A06059A190893C17C40C23F12E19EC12');
INSERT INTO "appends" VALUES(53,53,53,1796038233324067,'freezer','frozen',X'AF96B3BC896AFA84E9159056FBD450DCD8F1E522B1020C8016B2E51990DD6CC3');
INSERT INTO "appends" VALUES(54,54,54,1796038233325443,'freezer','frozen',X'A84B14CF4606417F0EBA4FF53FDB298BA784105229043166F95D29765C57383E');
INSERT INTO "appends" VALUES(55,55,55,1796038233326369,'freezer','frozen',X'B0926512AE87B4B56E83980B12C1F462E714EAC0074441380AE2FBC7D0CFCE8E');
INSERT INTO "appends" VALUES(56,56,56,1796038233329118,'freezer','frozen',X'2B3503AE53275D0929688BC23CCF37F86893CAE0D3FD470DAD3E747EC5C48B0C');
INSERT INTO "appends" VALUES(57,57,57,1796038233333589,'freezer','frozen',X'9F9A091EEDD691696C4DB66B7ECF16D0BDDEA3AA7534712A6DADCDD199C33CCC');
INSERT INTO "appends" VALUES(58,58,58,1796038233337116,'freezer','frozen',X'C26EE4997412D02A305CDB1ADA5F52889AC36BF2193BE2774696318C9141DBB5');
INSERT INTO "appends" VALUES(59,59,59,1796038233341198,'freezer','frozen',X'B91D56E91B478FE3FD946BFB6874EF4B478E4BBC3968C5EBB1F61D9109C5B500');
INSERT INTO "appends" VALUES(60,60,60,1796038233345702,'freezer','frozen',X'A3C2A37E808F65BD34B7FF4C0AB92897AEBEC621BFBDF68F89C1E2F477C98138');
INSERT INTO "appends" VALUES(61,61,61,1796038233346784,'freezer','frozen',X'AD6F12444C1AE5F647B304F1744553F60CAFF2D14C55505B490D197D6287D116');
INSERT INTO "appends" VALUES(62,62,62,1796038233347793,'freezer','frozen',X'8D3BA34C45E138C1D1B6CFEFA222BFCF3DACC06CA79B583284A0807BD498BF5A');
INSERT INTO "appends" VALUES(63,63,63,1796038233349262,'freezer','frozen',X'23B30D2A3D634EA477344639651B9A3CDE1C53561B28B93450747BE09E14FF61');
INSERT INTO "appends" VALUES(64,64,64,1796038233350338,'freezer','frozen',X'FB668FB90B552393BE00542C11E75BD57AD069CD8F8A4A41618AAF0EEAD4CF07');
INSERT INTO "appends" VALUES(65,65,65,1796038233351328,'freezer','frozen',X'8BDFD1752B0D976089C526F3B3ED99CBC3F3B403EB853240F571FDA847B52DA2');
INSERT INTO "appends" VALUES(66,66,66,1796038233352861,'freezer','frozen',X'B65ECBA0ED8FA2A2DDAE4E6E3DA9E618A4ED7EE30F21AEDE253B51B442B7DE6D');
INSERT INTO "appends" VALUES(67,67,67,1796038233353939,'freezer','frozen',X'A7E1AA3DA2AD27F736958D40ADE1EB2D525E1C1203BC296AE22B38F1883936B8');
INSERT INTO "appends" VALUES(68,68,68,1796038233354908,'freezer','frozen',X'1B846AADCFA81BAD3E0492BEFB7B84DE58D412B3157071A2D5D46553239E20ED');
INSERT INTO "appends" VALUES(69,69,69,1796038233356316,'freezer','frozen',X'3FE9142E6DCD0A1F8226CF3E64BD3697B407709E079620FFB5DE19B22E0378AF');
INSERT INTO "appends" VALUES(70,70,70,1796038233360831,'freezer','frozen',X'3298E6B21F5ACA6747E57B10A2CFD38DB7D331BF520A695BCF46DAFBC2254FEA');
INSERT INTO "appends" VALUES(71,71,71,1796038233361814,'freezer','frozen',X'8853F471443B2F8A29513A38CA8D302AAF1220AB489434A346083104E9035C8F');
INSERT INTO "appends" VALUES(72,72,72,1796038233363303,'freezer','frozen',X'A437FAE0334C0B6E4CD7827F3F45D26A11EA6D54145188B19634C5AC7481CD0B');
INSERT INTO "appends" VALUES(73,73,73,1796038233364362,'freezer','frozen',X'CE02E2D5B62FB6CEA5F764EBC5374EC71B8E4A06D4955639D91D53B2840D389D');
INSERT INTO "appends" VALUES(74,74,74,1796038233369193,'freezer','frozen',X'97871484EDA683132B0A1E88E098F9CE163C7C8D0529A35C5B1A233A4899DA75');
INSERT INTO "appends" VALUES(75,75,75,1796038233370662,'freezer','frozen',X'E797227AC906FD9012B81BED85EA0CC86D98D80FC37E6B528534C1B4CE783D5B');
INSERT INTO "appends" VALUES(76,76,76,1796038233371737,'freezer','frozen',X'9994B563D04B890B3ED2755601D3398995B9FD72AC89EFBAAEFA1FA85CB3BC17');
INSERT INTO "appends" VALUES(77,77,79,1796038233373526,'freezer','frozen',X'CF6A418A3ECDE4CC17CED92DF821D35036136426468856DE906BE13E9486D781');
INSERT INTO "appends" VALUES(78,80,80,1796038233403783,'freezer','frozen',X'84487A12EDEB9BB4FBF3D2166060CB087C2CD0EDDF5EB2B7CCFEFF8541DF34BC');
INSERT INTO "appends" VALUES(79,81,81,1796038233405348,'freezer','frozen',X'F5857B3B1748DE37E9CF6620F8432D231728516BEF72ECA011BD57F7CC75EC13');
INSERT INTO "appends" VALUES(80,82,83,1796038233406622,NULL,NULL,X'90D5EDF6A8D3E68A7428F0FDBF971259D437AE6656AFDBBDC62D63944F2E371F');
CREATE TABLE architectural_facts (
	fact_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	object TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	relation TEXT NOT NULL, 
	strength_kind TEXT, 
	strength FLOAT, 
	support BIGINT NOT NULL, 
	first_position INTEGER NOT NULL, 
	to_position INTEGER, 
	CONSTRAINT pk_architectural_facts PRIMARY KEY (fact_id)
);
INSERT INTO "architectural_facts" VALUES('fact-e7c5cf7251be71bf','m','identity','embed','head','alias','embed and head are one tensor',NULL,NULL,0,1,80);
INSERT INTO "architectural_facts" VALUES('fact-e3955e518b0b7aac','m','comodification','embed','head','alias','embed and head are one tensor','log_e_value',0.0,24,1,80);
CREATE TABLE beliefs (
	belief_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	belief_type TEXT NOT NULL, 
	statement TEXT NOT NULL, 
	theory_id TEXT, 
	credence FLOAT NOT NULL, 
	strength TEXT NOT NULL, 
	effect FLOAT, 
	ci_low FLOAT, 
	ci_high FLOAT, 
	grade TEXT NOT NULL, 
	first_position INTEGER NOT NULL, 
	last_position INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	CONSTRAINT pk_beliefs PRIMARY KEY (belief_id)
);
INSERT INTO "beliefs" VALUES('belief-e3293d10e0257987','m','causal_law','scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.2363 to +0.2637; 24 outcomes)','theory-e3293d10e0257987',1.0,'certain',0.25,2.36288784180945232726e-01,2.63711215819054767273e-01,'randomised',70,70,'active');
INSERT INTO "beliefs" VALUES('belief-11f2c6819cb6aba4','m','architectural_fact','embed and head are one tensor: a write to one is a write to all',NULL,1.0,'certain',NULL,NULL,NULL,'architecture',1,80,'retracted');
CREATE TABLE event_types (
	type_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_event_types PRIMARY KEY (type_id), 
	CONSTRAINT uq_event_types_name_schema_version UNIQUE (name, schema_version)
);
INSERT INTO "event_types" VALUES(1,'model_attached',1);
INSERT INTO "event_types" VALUES(2,'metric_defined',1);
INSERT INTO "event_types" VALUES(3,'observation',1);
INSERT INTO "event_types" VALUES(4,'metrics_recorded',1);
INSERT INTO "event_types" VALUES(5,'coupled_modification',1);
INSERT INTO "event_types" VALUES(6,'layer_statistics_recorded',1);
INSERT INTO "event_types" VALUES(7,'modification',1);
INSERT INTO "event_types" VALUES(8,'sharing_changed',1);
INSERT INTO "event_types" VALUES(9,'restored',1);
INSERT INTO "event_types" VALUES(10,'edit_aborted',1);
INSERT INTO "event_types" VALUES(11,'unattributed_write',1);
CREATE TABLE evidence (
	pattern_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	modification_position INTEGER NOT NULL, 
	baseline_position INTEGER NOT NULL, 
	act_id TEXT, 
	role TEXT NOT NULL, 
	outcome FLOAT, 
	signed_outcome FLOAT, 
	log_e_value FLOAT NOT NULL, 
	CONSTRAINT pk_evidence PRIMARY KEY (pattern_id, position)
);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',7,6,5,'step-0','first',-0.25,0.25,0.0);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',7,6,5,'step-0','first',-0.25,-0.25,0.0);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',10,9,8,'step-1','supports',0.25,0.25,-1.06330989703012912528e-02);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',10,9,8,'step-1','contradicts',0.25,0.25,-1.06330989703012912528e-02);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',13,12,11,'step-2','supports',-0.25,0.25,2.43253055949019802994e-01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',13,12,11,'step-2','contradicts',-0.25,-0.25,-3.81887546585386317143e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',16,15,14,'step-3','supports',0.25,0.25,6.13492976236496678765e-01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',16,15,14,'step-3','contradicts',0.25,0.25,-3.91650456577228966992e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',19,18,17,'step-4','supports',0.25,0.25,1.05792203301470100207e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',19,18,17,'step-4','supports',0.25,0.25,-2.59748238097135097923e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',22,21,20,'step-5','supports',0.25,0.25,1.55376823010812836756e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',22,21,20,'step-5','supports',0.25,0.25,-3.64739025526766846851e-02);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',25,24,23,'step-6','supports',0.25,0.25,2.0860685360090083229e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',25,24,23,'step-6','supports',0.25,0.25,2.57525334391661475663e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',28,27,26,'step-7','supports',-0.25,0.25,2.64457864560772470952e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',28,27,26,'step-7','contradicts',-0.25,-0.25,-3.31555875487061890716e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',31,30,29,'step-8','supports',-0.25,0.25,3.22221109876820310802e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',31,30,29,'step-8','contradicts',-0.25,-0.25,-0.63222992267507);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',34,33,32,'step-9','supports',0.25,0.25,3.81402607221279454918e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',34,33,32,'step-9','supports',0.25,0.25,-0.50792622250364);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',37,36,35,'step-10','supports',-0.25,0.25,4.41654556170715295593e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',37,36,35,'step-10','contradicts',-0.25,-0.25,-7.40566624582750243632e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',40,39,38,'step-11','supports',0.25,0.25,5.02728826457655397774e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',40,39,38,'step-11','supports',0.25,0.25,-6.36659164573852409674e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',43,42,41,'step-12','supports',-0.25,0.25,5.64445631732654362622e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',43,42,41,'step-12','contradicts',-0.25,-0.25,-8.2922075248696558436e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',46,45,44,'step-13','supports',0.25,0.25,6.26672477764302637837e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',46,45,44,'step-13','supports',0.25,0.25,-0.739246402533976);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',49,48,47,'step-14','supports',0.25,0.25,6.89309980854117299031e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',49,48,47,'step-14','supports',0.25,0.25,-6.10881036917688358123e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',52,51,50,'step-15','supports',0.25,0.25,7.52282259770608341398e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',52,51,50,'step-15','supports',0.25,0.25,-4.48807240140410845796e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',55,54,53,'step-16','supports',0.25,0.25,8.15530373853823320473e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',55,54,53,'step-16','supports',0.25,0.25,-2.5659433598052738823e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',58,57,56,'step-17','supports',-0.25,0.25,8.79007797051672135069e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',58,57,56,'step-17','contradicts',-0.25,-0.25,-5.64654680631017313885e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',61,60,59,'step-18','supports',0.25,0.25,9.42677259941909539975e+00);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',61,60,59,'step-18','contradicts',0.25,0.25,-3.91692901285404460054e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',64,63,62,'step-19','supports',0.25,0.25,1.00650851712161788493e+01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',64,63,62,'step-19','contradicts',0.25,0.25,-1.93934660303579864404e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',67,66,65,'step-20','supports',-0.25,0.25,1.0704767455840380919e+01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',67,66,65,'step-20','contradicts',-0.25,-0.25,-5.0358265472047514244e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',70,69,68,'step-21','supports',-0.25,0.25,1.1345613773892162968e+01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',70,69,68,'step-21','contradicts',-0.25,-0.25,-7.46468414868342700074e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',73,72,71,'step-22','supports',0.25,0.25,1.19874523448795748952e+01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',73,72,71,'step-22','contradicts',0.25,0.25,-5.99466133573904103037e-01);
INSERT INTO "evidence" VALUES('pattern-e3293d10e0257987',76,75,74,'step-23','supports',-0.25,0.25,1.2630138763607320129e+01);
INSERT INTO "evidence" VALUES('pattern-fab09bd1d096bae5',76,75,74,'step-23','supports',-0.25,-0.25,-0.821840931493159);
CREATE TABLE layer_statistics (
	position INTEGER NOT NULL, 
	layer_name TEXT NOT NULL, 
	model TEXT NOT NULL, 
	statistic TEXT NOT NULL, 
	storage_id INTEGER, 
	value FLOAT, 
	special TEXT, 
	quarantined BOOLEAN NOT NULL, 
	occurred_at TEXT NOT NULL, 
	CONSTRAINT pk_layer_statistics PRIMARY KEY (position, layer_name)
);
INSERT INTO "layer_statistics" VALUES(79,'ghost','m','norm',NULL,2.0,NULL,1,'2026-11-30T11:30:33.373526Z');
INSERT INTO "layer_statistics" VALUES(79,'up','m','norm',3,1.5,NULL,0,'2026-11-30T11:30:33.373526Z');
CREATE TABLE ledger (
	position INTEGER NOT NULL, 
	append_id INTEGER NOT NULL, 
	stream_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	type_id INTEGER NOT NULL, 
	act_id TEXT, 
	causation_id TEXT, 
	occurred_at INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (position), 
	CONSTRAINT uq_ledger_stream_id_version UNIQUE (stream_id, version), 
	CONSTRAINT ck_ledger_occurred_at CHECK (occurred_at BETWEEN 0 AND 253402300799999999)
);
INSERT INTO "ledger" VALUES(1,1,1,1,1,NULL,NULL,1796038233242900,'{"architecture":null,"baseline":"lazy","digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","model":"m","sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[[null,"embed","head"]],"unknown":[],"version":1},"state_of":null,"storages":[]}');
INSERT INTO "ledger" VALUES(2,2,2,1,2,NULL,NULL,1796038233245345,'{"better":"lower","derived_from":[],"model":null,"name":"loss","smallest_effect":0.01}');
INSERT INTO "ledger" VALUES(3,3,2,2,2,NULL,NULL,1796038233246566,'{"better":null,"derived_from":["loss"],"model":null,"name":"perplexity","smallest_effect":0.0}');
INSERT INTO "ledger" VALUES(4,4,1,2,3,NULL,NULL,1796038233248907,'{"category":"tie","data":{"n":[1,2.5,null]},"description":"ç, 中 and 🧊","importance":0.7,"model":"m","obs_type":"discovery","tags":["t"]}');
INSERT INTO "ledger" VALUES(5,5,1,3,4,'step-0',NULL,1796038233250334,'{"metrics":{"loss":2.0},"model":"m","sample":"s0"}');
INSERT INTO "ledger" VALUES(6,6,1,4,5,'step-0',NULL,1796038233252360,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":0},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(7,7,1,5,4,'step-0',NULL,1796038233253509,'{"metrics":{"loss":1.75},"model":"m","sample":"s0"}');
INSERT INTO "ledger" VALUES(8,8,1,6,4,'step-1',NULL,1796038233254479,'{"metrics":{"loss":2.01},"model":"m","sample":"s1"}');
INSERT INTO "ledger" VALUES(9,9,1,7,5,'step-1',NULL,1796038233255895,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":1},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(10,10,1,8,4,'step-1',NULL,1796038233256982,'{"metrics":{"loss":2.26},"model":"m","sample":"s1"}');
INSERT INTO "ledger" VALUES(11,11,1,9,4,'step-2',NULL,1796038233257876,'{"metrics":{"loss":2.02},"model":"m","sample":"s2"}');
INSERT INTO "ledger" VALUES(12,12,1,10,5,'step-2',NULL,1796038233259251,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":2},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(13,13,1,11,4,'step-2',NULL,1796038233260217,'{"metrics":{"loss":1.77},"model":"m","sample":"s2"}');
INSERT INTO "ledger" VALUES(14,14,1,12,4,'step-3',NULL,1796038233261081,'{"metrics":{"loss":2.03},"model":"m","sample":"s3"}');
INSERT INTO "ledger" VALUES(15,15,1,13,5,'step-3',NULL,1796038233262453,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":3},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(16,16,1,14,4,'step-3',NULL,1796038233263521,'{"metrics":{"loss":2.28},"model":"m","sample":"s3"}');
INSERT INTO "ledger" VALUES(17,17,1,15,4,'step-4',NULL,1796038233264457,'{"metrics":{"loss":2.04},"model":"m","sample":"s4"}');
INSERT INTO "ledger" VALUES(18,18,1,16,5,'step-4',NULL,1796038233265858,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":4},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(19,19,1,17,4,'step-4',NULL,1796038233266848,'{"metrics":{"loss":2.29},"model":"m","sample":"s4"}');
INSERT INTO "ledger" VALUES(20,20,1,18,4,'step-5',NULL,1796038233267734,'{"metrics":{"loss":2.05},"model":"m","sample":"s5"}');
INSERT INTO "ledger" VALUES(21,21,1,19,5,'step-5',NULL,1796038233269144,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":5},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(22,22,1,20,4,'step-5',NULL,1796038233270088,'{"metrics":{"loss":2.3},"model":"m","sample":"s5"}');
INSERT INTO "ledger" VALUES(23,23,1,21,4,'step-6',NULL,1796038233270990,'{"metrics":{"loss":2.06},"model":"m","sample":"s6"}');
INSERT INTO "ledger" VALUES(24,24,1,22,5,'step-6',NULL,1796038233272332,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":6},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(25,25,1,23,4,'step-6',NULL,1796038233273374,'{"metrics":{"loss":2.31},"model":"m","sample":"s6"}');
INSERT INTO "ledger" VALUES(26,26,1,24,4,'step-7',NULL,1796038233274263,'{"metrics":{"loss":2.07},"model":"m","sample":"s7"}');
INSERT INTO "ledger" VALUES(27,27,1,25,5,'step-7',NULL,1796038233275653,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":7},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(28,28,1,26,4,'step-7',NULL,1796038233276671,'{"metrics":{"loss":1.8199999999999998},"model":"m","sample":"s7"}');
INSERT INTO "ledger" VALUES(29,29,1,27,4,'step-8',NULL,1796038233277550,'{"metrics":{"loss":2.08},"model":"m","sample":"s8"}');
INSERT INTO "ledger" VALUES(30,30,1,28,5,'step-8',NULL,1796038233279089,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":8},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(31,31,1,29,4,'step-8',NULL,1796038233280458,'{"metrics":{"loss":1.83},"model":"m","sample":"s8"}');
INSERT INTO "ledger" VALUES(32,32,1,30,4,'step-9',NULL,1796038233281449,'{"metrics":{"loss":2.09},"model":"m","sample":"s9"}');
INSERT INTO "ledger" VALUES(33,33,1,31,5,'step-9',NULL,1796038233285628,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":9},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(34,34,1,32,4,'step-9',NULL,1796038233286672,'{"metrics":{"loss":2.34},"model":"m","sample":"s9"}');
INSERT INTO "ledger" VALUES(35,35,1,33,4,'step-10',NULL,1796038233289154,'{"metrics":{"loss":2.1},"model":"m","sample":"s10"}');
INSERT INTO "ledger" VALUES(36,36,1,34,5,'step-10',NULL,1796038233293712,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":10},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(37,37,1,35,4,'step-10',NULL,1796038233294731,'{"metrics":{"loss":1.85},"model":"m","sample":"s10"}');
INSERT INTO "ledger" VALUES(38,38,1,36,4,'step-11',NULL,1796038233295824,'{"metrics":{"loss":2.11},"model":"m","sample":"s11"}');
INSERT INTO "ledger" VALUES(39,39,1,37,5,'step-11',NULL,1796038233297311,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":11},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(40,40,1,38,4,'step-11',NULL,1796038233298340,'{"metrics":{"loss":2.36},"model":"m","sample":"s11"}');
INSERT INTO "ledger" VALUES(41,41,1,39,4,'step-12',NULL,1796038233299351,'{"metrics":{"loss":2.12},"model":"m","sample":"s12"}');
INSERT INTO "ledger" VALUES(42,42,1,40,5,'step-12',NULL,1796038233300867,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":12},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(43,43,1,41,4,'step-12',NULL,1796038233306867,'{"metrics":{"loss":1.87},"model":"m","sample":"s12"}');
INSERT INTO "ledger" VALUES(44,44,1,42,4,'step-13',NULL,1796038233309060,'{"metrics":{"loss":2.13},"model":"m","sample":"s13"}');
INSERT INTO "ledger" VALUES(45,45,1,43,5,'step-13',NULL,1796038233313680,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":13},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(46,46,1,44,4,'step-13',NULL,1796038233314673,'{"metrics":{"loss":2.38},"model":"m","sample":"s13"}');
INSERT INTO "ledger" VALUES(47,47,1,45,4,'step-14',NULL,1796038233317093,'{"metrics":{"loss":2.14},"model":"m","sample":"s14"}');
INSERT INTO "ledger" VALUES(48,48,1,46,5,'step-14',NULL,1796038233318573,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":14},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(49,49,1,47,4,'step-14',NULL,1796038233319649,'{"metrics":{"loss":2.39},"model":"m","sample":"s14"}');
INSERT INTO "ledger" VALUES(50,50,1,48,4,'step-15',NULL,1796038233320664,'{"metrics":{"loss":2.15},"model":"m","sample":"s15"}');
INSERT INTO "ledger" VALUES(51,51,1,49,5,'step-15',NULL,1796038233322130,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":15},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(52,52,1,50,4,'step-15',NULL,1796038233323154,'{"metrics":{"loss":2.4},"model":"m","sample":"s15"}');
INSERT INTO "ledger" VALUES(53,53,1,51,4,'step-16',NULL,1796038233324067,'{"metrics":{"loss":2.16},"model":"m","sample":"s16"}');
INSERT INTO "ledger" VALUES(54,54,1,52,5,'step-16',NULL,1796038233325443,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":16},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(55,55,1,53,4,'step-16',NULL,1796038233326369,'{"metrics":{"loss":2.41},"model":"m","sample":"s16"}');
INSERT INTO "ledger" VALUES(56,56,1,54,4,'step-17',NULL,1796038233329118,'{"metrics":{"loss":2.17},"model":"m","sample":"s17"}');
INSERT INTO "ledger" VALUES(57,57,1,55,5,'step-17',NULL,1796038233333589,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":17},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(58,58,1,56,4,'step-17',NULL,1796038233337116,'{"metrics":{"loss":1.92},"model":"m","sample":"s17"}');
INSERT INTO "ledger" VALUES(59,59,1,57,4,'step-18',NULL,1796038233341198,'{"metrics":{"loss":2.18},"model":"m","sample":"s18"}');
INSERT INTO "ledger" VALUES(60,60,1,58,5,'step-18',NULL,1796038233345702,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":18},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(61,61,1,59,4,'step-18',NULL,1796038233346784,'{"metrics":{"loss":2.43},"model":"m","sample":"s18"}');
INSERT INTO "ledger" VALUES(62,62,1,60,4,'step-19',NULL,1796038233347793,'{"metrics":{"loss":2.19},"model":"m","sample":"s19"}');
INSERT INTO "ledger" VALUES(63,63,1,61,5,'step-19',NULL,1796038233349262,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":19},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(64,64,1,62,4,'step-19',NULL,1796038233350338,'{"metrics":{"loss":2.44},"model":"m","sample":"s19"}');
INSERT INTO "ledger" VALUES(65,65,1,63,4,'step-20',NULL,1796038233351328,'{"metrics":{"loss":2.2},"model":"m","sample":"s20"}');
INSERT INTO "ledger" VALUES(66,66,1,64,5,'step-20',NULL,1796038233352861,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":20},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(67,67,1,65,4,'step-20',NULL,1796038233353939,'{"metrics":{"loss":1.9500000000000002},"model":"m","sample":"s20"}');
INSERT INTO "ledger" VALUES(68,68,1,66,4,'step-21',NULL,1796038233354908,'{"metrics":{"loss":2.21},"model":"m","sample":"s21"}');
INSERT INTO "ledger" VALUES(69,69,1,67,5,'step-21',NULL,1796038233356316,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":21},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(70,70,1,68,4,'step-21',NULL,1796038233360831,'{"metrics":{"loss":1.96},"model":"m","sample":"s21"}');
INSERT INTO "ledger" VALUES(71,71,1,69,4,'step-22',NULL,1796038233361814,'{"metrics":{"loss":2.22},"model":"m","sample":"s22"}');
INSERT INTO "ledger" VALUES(72,72,1,70,5,'step-22',NULL,1796038233363303,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":22},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(73,73,1,71,4,'step-22',NULL,1796038233364362,'{"metrics":{"loss":2.47},"model":"m","sample":"s22"}');
INSERT INTO "ledger" VALUES(74,74,1,72,4,'step-23',NULL,1796038233369193,'{"metrics":{"loss":2.23},"model":"m","sample":"s23"}');
INSERT INTO "ledger" VALUES(75,75,1,73,5,'step-23',NULL,1796038233370662,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":23},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(76,76,1,74,4,'step-23',NULL,1796038233371737,'{"metrics":{"loss":1.98},"model":"m","sample":"s23"}');
INSERT INTO "ledger" VALUES(77,77,1,75,4,NULL,NULL,1796038233373526,'{"metrics":{"accuracy":{"$float":"-Infinity"},"loss":{"$float":"NaN"}},"model":"m","sample":null}');
INSERT INTO "ledger" VALUES(78,77,1,76,7,'step-1',NULL,1796038233373526,'{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":[],"description":"up","dose":1.0,"fingerprint":null,"importance":0.5,"known":true,"method":null,"model":"m","modification":{"why":"a plain one"},"overlapping":{},"per_name":true,"primary_layer":"up","propensity":null,"randomised":false,"reason":null,"reverts":null,"rows":null,"storage_key":"up","tags":["modification","up"]}');
INSERT INTO "ledger" VALUES(79,77,1,77,6,NULL,NULL,1796038233373526,'{"model":"m","statistic":"norm","values":{"ghost":2.0,"up":1.5}}');
INSERT INTO "ledger" VALUES(80,78,1,78,8,NULL,NULL,1796038233403783,'{"added":[],"digest":"39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6","kept":null,"model":"m","previous_digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","removed":[],"sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[],"unknown":[],"version":1},"storages":[],"tied":[],"untied":[["embed","head"]],"vanished":[]}');
INSERT INTO "ledger" VALUES(81,79,1,79,9,NULL,NULL,1796038233405348,'{"model":"m","storages":[],"to_act":"step-2"}');
INSERT INTO "ledger" VALUES(82,80,1,80,10,NULL,NULL,1796038233406622,'{"error":"ValueError","message":"","method":null,"model":"m","primary_layer":"up","restored":true,"storage_key":"up"}');
INSERT INTO "ledger" VALUES(83,80,1,81,11,NULL,NULL,1796038233406622,'{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"fingerprint_expected":"aa","fingerprint_found":"bb","found_by":"verify","model":"m","storage_key":"up"}');
CREATE TABLE metric_definitions (
	position INTEGER NOT NULL, 
	model TEXT, 
	metric TEXT NOT NULL, 
	better TEXT, 
	smallest_effect FLOAT NOT NULL, 
	derived_from JSON NOT NULL, 
	CONSTRAINT pk_metric_definitions PRIMARY KEY (position)
);
INSERT INTO "metric_definitions" VALUES(2,NULL,'loss','lower',0.01,'[]');
INSERT INTO "metric_definitions" VALUES(3,NULL,'perplexity',NULL,0.0,'["loss"]');
CREATE TABLE metrics (
	position INTEGER NOT NULL, 
	metric TEXT NOT NULL, 
	model TEXT, 
	value FLOAT, 
	special TEXT, 
	sample TEXT, 
	act_id TEXT, 
	occurred_at TEXT NOT NULL, 
	CONSTRAINT pk_metrics PRIMARY KEY (position, metric)
);
INSERT INTO "metrics" VALUES(5,'loss','m',2.0,NULL,'s0','step-0','2026-11-30T11:30:33.250334Z');
INSERT INTO "metrics" VALUES(7,'loss','m',1.75,NULL,'s0','step-0','2026-11-30T11:30:33.253509Z');
INSERT INTO "metrics" VALUES(8,'loss','m',2.01,NULL,'s1','step-1','2026-11-30T11:30:33.254479Z');
INSERT INTO "metrics" VALUES(10,'loss','m',2.26,NULL,'s1','step-1','2026-11-30T11:30:33.256982Z');
INSERT INTO "metrics" VALUES(11,'loss','m',2.02,NULL,'s2','step-2','2026-11-30T11:30:33.257876Z');
INSERT INTO "metrics" VALUES(13,'loss','m',1.77,NULL,'s2','step-2','2026-11-30T11:30:33.260217Z');
INSERT INTO "metrics" VALUES(14,'loss','m',2.03,NULL,'s3','step-3','2026-11-30T11:30:33.261081Z');
INSERT INTO "metrics" VALUES(16,'loss','m',2.28,NULL,'s3','step-3','2026-11-30T11:30:33.263521Z');
INSERT INTO "metrics" VALUES(17,'loss','m',2.04,NULL,'s4','step-4','2026-11-30T11:30:33.264457Z');
INSERT INTO "metrics" VALUES(19,'loss','m',2.29,NULL,'s4','step-4','2026-11-30T11:30:33.266848Z');
INSERT INTO "metrics" VALUES(20,'loss','m',2.05,NULL,'s5','step-5','2026-11-30T11:30:33.267734Z');
INSERT INTO "metrics" VALUES(22,'loss','m',2.3,NULL,'s5','step-5','2026-11-30T11:30:33.270088Z');
INSERT INTO "metrics" VALUES(23,'loss','m',2.06,NULL,'s6','step-6','2026-11-30T11:30:33.270990Z');
INSERT INTO "metrics" VALUES(25,'loss','m',2.31,NULL,'s6','step-6','2026-11-30T11:30:33.273374Z');
INSERT INTO "metrics" VALUES(26,'loss','m',2.07,NULL,'s7','step-7','2026-11-30T11:30:33.274263Z');
INSERT INTO "metrics" VALUES(28,'loss','m',1.81999999999999984012e+00,NULL,'s7','step-7','2026-11-30T11:30:33.276671Z');
INSERT INTO "metrics" VALUES(29,'loss','m',2.08,NULL,'s8','step-8','2026-11-30T11:30:33.277550Z');
INSERT INTO "metrics" VALUES(31,'loss','m',1.83,NULL,'s8','step-8','2026-11-30T11:30:33.280458Z');
INSERT INTO "metrics" VALUES(32,'loss','m',2.09,NULL,'s9','step-9','2026-11-30T11:30:33.281449Z');
INSERT INTO "metrics" VALUES(34,'loss','m',2.34,NULL,'s9','step-9','2026-11-30T11:30:33.286672Z');
INSERT INTO "metrics" VALUES(35,'loss','m',2.1,NULL,'s10','step-10','2026-11-30T11:30:33.289154Z');
INSERT INTO "metrics" VALUES(37,'loss','m',1.85,NULL,'s10','step-10','2026-11-30T11:30:33.294731Z');
INSERT INTO "metrics" VALUES(38,'loss','m',2.11,NULL,'s11','step-11','2026-11-30T11:30:33.295824Z');
INSERT INTO "metrics" VALUES(40,'loss','m',2.36,NULL,'s11','step-11','2026-11-30T11:30:33.298340Z');
INSERT INTO "metrics" VALUES(41,'loss','m',2.12,NULL,'s12','step-12','2026-11-30T11:30:33.299351Z');
INSERT INTO "metrics" VALUES(43,'loss','m',1.87,NULL,'s12','step-12','2026-11-30T11:30:33.306867Z');
INSERT INTO "metrics" VALUES(44,'loss','m',2.13,NULL,'s13','step-13','2026-11-30T11:30:33.309060Z');
INSERT INTO "metrics" VALUES(46,'loss','m',2.38,NULL,'s13','step-13','2026-11-30T11:30:33.314673Z');
INSERT INTO "metrics" VALUES(47,'loss','m',2.14,NULL,'s14','step-14','2026-11-30T11:30:33.317093Z');
INSERT INTO "metrics" VALUES(49,'loss','m',2.39,NULL,'s14','step-14','2026-11-30T11:30:33.319649Z');
INSERT INTO "metrics" VALUES(50,'loss','m',2.15,NULL,'s15','step-15','2026-11-30T11:30:33.320664Z');
INSERT INTO "metrics" VALUES(52,'loss','m',2.4,NULL,'s15','step-15','2026-11-30T11:30:33.323154Z');
INSERT INTO "metrics" VALUES(53,'loss','m',2.16,NULL,'s16','step-16','2026-11-30T11:30:33.324067Z');
INSERT INTO "metrics" VALUES(55,'loss','m',2.41,NULL,'s16','step-16','2026-11-30T11:30:33.326369Z');
INSERT INTO "metrics" VALUES(56,'loss','m',2.17,NULL,'s17','step-17','2026-11-30T11:30:33.329118Z');
INSERT INTO "metrics" VALUES(58,'loss','m',1.92,NULL,'s17','step-17','2026-11-30T11:30:33.337116Z');
INSERT INTO "metrics" VALUES(59,'loss','m',2.18,NULL,'s18','step-18','2026-11-30T11:30:33.341198Z');
INSERT INTO "metrics" VALUES(61,'loss','m',2.43,NULL,'s18','step-18','2026-11-30T11:30:33.346784Z');
INSERT INTO "metrics" VALUES(62,'loss','m',2.19,NULL,'s19','step-19','2026-11-30T11:30:33.347793Z');
INSERT INTO "metrics" VALUES(64,'loss','m',2.44,NULL,'s19','step-19','2026-11-30T11:30:33.350338Z');
INSERT INTO "metrics" VALUES(65,'loss','m',2.2,NULL,'s20','step-20','2026-11-30T11:30:33.351328Z');
INSERT INTO "metrics" VALUES(67,'loss','m',1.95000000000000017763e+00,NULL,'s20','step-20','2026-11-30T11:30:33.353939Z');
INSERT INTO "metrics" VALUES(68,'loss','m',2.21,NULL,'s21','step-21','2026-11-30T11:30:33.354908Z');
INSERT INTO "metrics" VALUES(70,'loss','m',1.96,NULL,'s21','step-21','2026-11-30T11:30:33.360831Z');
INSERT INTO "metrics" VALUES(71,'loss','m',2.22,NULL,'s22','step-22','2026-11-30T11:30:33.361814Z');
INSERT INTO "metrics" VALUES(73,'loss','m',2.47,NULL,'s22','step-22','2026-11-30T11:30:33.364362Z');
INSERT INTO "metrics" VALUES(74,'loss','m',2.23,NULL,'s23','step-23','2026-11-30T11:30:33.369193Z');
INSERT INTO "metrics" VALUES(76,'loss','m',1.98,NULL,'s23','step-23','2026-11-30T11:30:33.371737Z');
INSERT INTO "metrics" VALUES(77,'accuracy','m',NULL,'-Infinity',NULL,NULL,'2026-11-30T11:30:33.373526Z');
INSERT INTO "metrics" VALUES(77,'loss','m',NULL,'NaN',NULL,NULL,'2026-11-30T11:30:33.373526Z');
CREATE TABLE modifications (
	position INTEGER NOT NULL, 
	event_type TEXT NOT NULL, 
	model TEXT NOT NULL, 
	storage_id INTEGER, 
	storage_key TEXT NOT NULL, 
	primary_layer TEXT NOT NULL, 
	coupled_layers JSON NOT NULL, 
	act_id TEXT, 
	method TEXT, 
	dose FLOAT, 
	randomised BOOLEAN NOT NULL, 
	propensity FLOAT, 
	reverts TEXT, 
	changed BOOLEAN, 
	counted BOOLEAN NOT NULL, 
	delta_norm FLOAT, 
	relative_change FLOAT, 
	fraction_changed FLOAT, 
	description TEXT NOT NULL, 
	reason TEXT, 
	tags JSON NOT NULL, 
	importance FLOAT NOT NULL, 
	modification JSON NOT NULL, 
	occurred_at TEXT NOT NULL, 
	CONSTRAINT pk_modifications PRIMARY KEY (position)
);
INSERT INTO "modifications" VALUES(6,'coupled_modification','m',2,'embed','head','["embed"]','step-0','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":0}','2026-11-30T11:30:33.252360Z');
INSERT INTO "modifications" VALUES(9,'coupled_modification','m',2,'embed','head','["embed"]','step-1','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":1}','2026-11-30T11:30:33.255895Z');
INSERT INTO "modifications" VALUES(12,'coupled_modification','m',2,'embed','head','["embed"]','step-2','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":2}','2026-11-30T11:30:33.259251Z');
INSERT INTO "modifications" VALUES(15,'coupled_modification','m',2,'embed','head','["embed"]','step-3','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":3}','2026-11-30T11:30:33.262453Z');
INSERT INTO "modifications" VALUES(18,'coupled_modification','m',2,'embed','head','["embed"]','step-4','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":4}','2026-11-30T11:30:33.265858Z');
INSERT INTO "modifications" VALUES(21,'coupled_modification','m',2,'embed','head','["embed"]','step-5','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":5}','2026-11-30T11:30:33.269144Z');
INSERT INTO "modifications" VALUES(24,'coupled_modification','m',2,'embed','head','["embed"]','step-6','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":6}','2026-11-30T11:30:33.272332Z');
INSERT INTO "modifications" VALUES(27,'coupled_modification','m',2,'embed','head','["embed"]','step-7','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":7}','2026-11-30T11:30:33.275653Z');
INSERT INTO "modifications" VALUES(30,'coupled_modification','m',2,'embed','head','["embed"]','step-8','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":8}','2026-11-30T11:30:33.279089Z');
INSERT INTO "modifications" VALUES(33,'coupled_modification','m',2,'embed','head','["embed"]','step-9','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":9}','2026-11-30T11:30:33.285628Z');
INSERT INTO "modifications" VALUES(36,'coupled_modification','m',2,'embed','head','["embed"]','step-10','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":10}','2026-11-30T11:30:33.293712Z');
INSERT INTO "modifications" VALUES(39,'coupled_modification','m',2,'embed','head','["embed"]','step-11','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":11}','2026-11-30T11:30:33.297311Z');
INSERT INTO "modifications" VALUES(42,'coupled_modification','m',2,'embed','head','["embed"]','step-12','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":12}','2026-11-30T11:30:33.300867Z');
INSERT INTO "modifications" VALUES(45,'coupled_modification','m',2,'embed','head','["embed"]','step-13','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":13}','2026-11-30T11:30:33.313680Z');
INSERT INTO "modifications" VALUES(48,'coupled_modification','m',2,'embed','head','["embed"]','step-14','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":14}','2026-11-30T11:30:33.318573Z');
INSERT INTO "modifications" VALUES(51,'coupled_modification','m',2,'embed','head','["embed"]','step-15','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":15}','2026-11-30T11:30:33.322130Z');
INSERT INTO "modifications" VALUES(54,'coupled_modification','m',2,'embed','head','["embed"]','step-16','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":16}','2026-11-30T11:30:33.325443Z');
INSERT INTO "modifications" VALUES(57,'coupled_modification','m',2,'embed','head','["embed"]','step-17','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":17}','2026-11-30T11:30:33.333589Z');
INSERT INTO "modifications" VALUES(60,'coupled_modification','m',2,'embed','head','["embed"]','step-18','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":18}','2026-11-30T11:30:33.345702Z');
INSERT INTO "modifications" VALUES(63,'coupled_modification','m',2,'embed','head','["embed"]','step-19','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":19}','2026-11-30T11:30:33.349262Z');
INSERT INTO "modifications" VALUES(66,'coupled_modification','m',2,'embed','head','["embed"]','step-20','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":20}','2026-11-30T11:30:33.352861Z');
INSERT INTO "modifications" VALUES(69,'coupled_modification','m',2,'embed','head','["embed"]','step-21','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":21}','2026-11-30T11:30:33.356316Z');
INSERT INTO "modifications" VALUES(72,'coupled_modification','m',2,'embed','head','["embed"]','step-22','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":22}','2026-11-30T11:30:33.363303Z');
INSERT INTO "modifications" VALUES(75,'coupled_modification','m',2,'embed','head','["embed"]','step-23','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":23}','2026-11-30T11:30:33.370662Z');
INSERT INTO "modifications" VALUES(78,'modification','m',3,'up','up','[]','step-1',NULL,1.0,0,NULL,NULL,NULL,1,NULL,NULL,NULL,'up',NULL,'["modification","up"]',0.5,'{"why":"a plain one"}','2026-11-30T11:30:33.373526Z');
CREATE TABLE observations (
	position INTEGER NOT NULL, 
	model TEXT, 
	obs_type TEXT NOT NULL, 
	category TEXT NOT NULL, 
	description TEXT NOT NULL, 
	data JSON, 
	tags JSON NOT NULL, 
	importance FLOAT NOT NULL, 
	act_id TEXT, 
	occurred_at TEXT NOT NULL, 
	CONSTRAINT pk_observations PRIMARY KEY (position)
);
INSERT INTO "observations" VALUES(4,'m','discovery','tie','ç, 中 and 🧊','{"n":[1,2.5,null]}','["t"]',0.7,NULL,'2026-11-30T11:30:33.248907Z');
CREATE TABLE palimpsest_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "palimpsest_version" VALUES('0003');
CREATE TABLE patterns (
	pattern_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	object TEXT NOT NULL, 
	direction BIGINT NOT NULL, 
	effect FLOAT, 
	ci_low FLOAT, 
	ci_high FLOAT, 
	e_value FLOAT, 
	log_e_value FLOAT NOT NULL, 
	grade TEXT NOT NULL, 
	method TEXT, 
	dose FLOAT, 
	support BIGINT NOT NULL, 
	storage_id INTEGER NOT NULL, 
	first_position INTEGER NOT NULL, 
	last_position INTEGER NOT NULL, 
	post_retraction BOOLEAN NOT NULL, 
	status TEXT NOT NULL, 
	CONSTRAINT pk_patterns PRIMARY KEY (pattern_id)
);
INSERT INTO "patterns" VALUES('pattern-e3293d10e0257987','m','effect','embed','loss',1,0.25,2.36288784180945232726e-01,2.63711215819054767273e-01,3.05632525923702050925e+05,1.2630138763607320129e+01,'randomised','scale',1.0,24,2,46,76,0,'active');
CREATE TABLE predictions (
	theory_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	direction BIGINT NOT NULL, 
	probability FLOAT NOT NULL, 
	mean FLOAT NOT NULL, 
	sd FLOAT NOT NULL, 
	outcome FLOAT, 
	hit BOOLEAN, 
	CONSTRAINT pk_predictions PRIMARY KEY (theory_id, position)
);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',49,1,9.23076923076923128164e-01,2.29166666666666657414e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',52,1,9.28571428571428603149e-01,2.30769230769230782041e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',55,1,9.33333333333333348136e-01,2.32142857142857150787e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',58,1,0.9375,2.33333333333333337034e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',61,1,9.41176470588235281056e-01,0.234375,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',64,1,9.44444444444444419772e-01,2.35294117647058820264e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',67,1,9.47368421052631526357e-01,2.36111111111111104943e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',70,1,0.95,2.36842105263157881589e-01,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',73,1,0.95,0.2375,0.0025,0.25,1);
INSERT INTO "predictions" VALUES('theory-e3293d10e0257987',76,1,0.95,2.38095238095238082021e-01,0.0025,0.25,1);
CREATE TABLE projections (
	name TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	position INTEGER NOT NULL, 
	state TEXT, stopped_at INTEGER, failure TEXT, 
	CONSTRAINT pk_projections PRIMARY KEY (name)
);
INSERT INTO "projections" VALUES('sharing',2,83,'{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}',NULL,NULL);
INSERT INTO "projections" VALUES('observations',2,83,NULL,NULL,NULL);
INSERT INTO "projections" VALUES('metrics',2,83,NULL,NULL,NULL);
INSERT INTO "projections" VALUES('modifications',2,83,'{"counted":[["m","step-1",3]],"registry":{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}}',NULL,NULL);
INSERT INTO "projections" VALUES('weight_states',1,83,'{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}',NULL,NULL);
INSERT INTO "projections" VALUES('layer_statistics',1,83,'{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}',NULL,NULL);
INSERT INTO "projections" VALUES('knowledge',1,83,'{"registry":{"next_id":5,"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}}},"metrics":{"seen":{"m":["loss","accuracy"]},"definitions":[[null,"loss",[],2,0.01],[null,"perplexity",["loss"],3,0.0]]},"windows":{"m":{"writes":29,"given_up":[],"windows":[["step-0",[["loss","s0",5,2.0,1]],[6,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-1",[["loss","s1",8,2.01,2]],null,2,true,["loss"]],["step-2",[["loss","s2",11,2.02,3]],[12,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-3",[["loss","s3",14,2.03,4]],[15,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-4",[["loss","s4",17,2.04,5]],[18,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-5",[["loss","s5",20,2.05,6]],[21,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-6",[["loss","s6",23,2.06,7]],[24,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-7",[["loss","s7",26,2.07,8]],[27,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-8",[["loss","s8",29,2.08,9]],[30,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-9",[["loss","s9",32,2.09,10]],[33,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-10",[["loss","s10",35,2.1,11]],[36,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-11",[["loss","s11",38,2.11,12]],[39,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-12",[["loss","s12",41,2.12,13]],[42,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-13",[["loss","s13",44,2.13,14]],[45,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-14",[["loss","s14",47,2.14,15]],[48,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-15",[["loss","s15",50,2.15,16]],[51,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-16",[["loss","s16",53,2.16,17]],[54,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-17",[["loss","s17",56,2.17,18]],[57,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-18",[["loss","s18",59,2.18,19]],[60,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-19",[["loss","s19",62,2.19,20]],[63,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-20",[["loss","s20",65,2.2,21]],[66,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-21",[["loss","s21",68,2.21,22]],[69,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-22",[["loss","s22",71,2.22,23]],[72,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-23",[["loss","s23",74,2.23,24]],[75,2,"scale",-1.0,true,0.5],1,false,["loss"]]]}},"counted":[["m","step-1",3]],"claims":[[["m","effect","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.18181818181818182,10.0,25],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":24,"negatives":0,"total":6.0,"peak_log_e":12.63013876360732,"bet":{"up":[2.102178392463761,3.9946433410652284,7.176361906374959,11.458722130479275,14.900777726782506],"down":[-2.5161604217119073,-5.277989287650565,-11.503260113527432,-26.31855349783109,-61.41205659161138]},"scale":{"window":[0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25]},"sequence":{"n":21,"centre":0.25,"unit":0.0625,"weight":21.0,"weight2":21.0,"sum1":0.0,"cross":0.0,"sum2":0.0}},"epoch":0,"first_claimed":46,"last_settled":76,"subject":"embed","subject_names":["embed","head"],"status":"active","direction":1,"score":{"n":10,"hits":10,"ties":0,"skipped":0,"log_e":6.31805959305836,"peak_log_e":6.31805959305836,"gain":-50.0,"brier":0.036186605492120834},"last_scored":76,"belief_since":70,"belief_changed":70,"belief_status":"active","credence":1.0,"detector":{"direction":1,"effect":0.25,"n":2,"skipped":0,"scale":{"window":[-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001]},"wealth":[-0.10499168882164654,-0.21986807184000734,-0.47795348538783244,-1.0907535603283935,-2.546806152602485]}}]],[["m","impact","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.1,1.0,0],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":14,"negatives":10,"total":1.0,"peak_log_e":0.2575253343916615,"bet":{"up":[0.29500233474284765,0.36622187765470077,-0.13305540576075825,-3.32369007190304,-14.960766136936856],"down":[-0.7089843639909933,-1.649567824240038,-4.193842801391717,-11.536141295448775,-31.550512727892052]},"scale":{"window":[-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25]},"sequence":{"n":21,"centre":-0.25,"unit":0.5,"weight":57.0,"weight2":339.0,"sum1":21.0,"cross":79.0,"sum2":79.0}},"epoch":0,"first_claimed":null,"last_settled":76,"subject":"","subject_names":[],"status":"unclaimed","direction":0,"score":null,"last_scored":null,"belief_since":null,"belief_changed":0,"belief_status":"","credence":0.0,"detector":null}]]],"facts":{"m":[]},"dropped":{"acts":{"m":["step-1",[]]},"strengths":[]}}',NULL,NULL);
CREATE TABLE record_keys (
	"key" TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	content_digest BLOB NOT NULL, 
	CONSTRAINT pk_record_keys PRIMARY KEY ("key"), 
	CONSTRAINT uq_record_keys_position UNIQUE (position)
)
 WITHOUT ROWID

;
INSERT INTO "record_keys" VALUES('k0',6,X'DC2D2AD431D0D333DE7E99FC31BD73ED7F86600A52E063C7EBBC746EB6E211EE');
INSERT INTO "record_keys" VALUES('k1',9,X'F8698B92C62432EEBAD90480B6479B23AC36FBA19C59B1F25B87394E090BB0F0');
INSERT INTO "record_keys" VALUES('k10',36,X'0F4C9AA1C60CE493E91EDED8CB1F5F46295CF360A700AC5181EE78F15530CF71');
INSERT INTO "record_keys" VALUES('k11',39,X'8886AE867ECEDF8A5FDA09262909B09C750AEA97736EDE5EB66547EE08586DD9');
INSERT INTO "record_keys" VALUES('k12',42,X'292B2023B35C34266A865479AFD0710186C738B23A649A95C7A8AEF8B8E4313A');
INSERT INTO "record_keys" VALUES('k13',45,X'4A4C678BB96118B0F9782A01E39582E4F3430090B9D31C94F8CA5970A5314459');
INSERT INTO "record_keys" VALUES('k14',48,X'97792EEF1337E53D8A69F63DC274D8BC557ECCB1531D4622851A15D251BC6518');
INSERT INTO "record_keys" VALUES('k15',51,X'A8462C575B72A9E8D4775109708F526B781AEF77089E5C5E7351ED9884081FBD');
INSERT INTO "record_keys" VALUES('k16',54,X'462E478BC4B0195515F30D7E2E052B01A28F5FCF768034D6F89FCA96291843EB');
INSERT INTO "record_keys" VALUES('k17',57,X'41786CDC29C183302624600573293BFFE8ED2D6363759A93AAB9B96DA5B67FB7');
INSERT INTO "record_keys" VALUES('k18',60,X'810E33A4794B7453D1CE65DAEB644DE5CBE97CF0EFBF7CA0B08712F4ABDA81F9');
INSERT INTO "record_keys" VALUES('k19',63,X'76A768486DBB3396F13E1E40BE9AEDA359D144606AE3A5C845E1099DF5655434');
INSERT INTO "record_keys" VALUES('k2',12,X'D6AE36AD0425F76A8B94AB4F976D19EF589924AE380DE5EE7ECBFBBCDE9C0972');
INSERT INTO "record_keys" VALUES('k20',66,X'1D2B813A70DEB5587D61A4D162A3D54E46523B32F4BA77AA29357CC999E304F9');
INSERT INTO "record_keys" VALUES('k21',69,X'264FF498885122995B1057A62BD85AA1B8DEA9B59488C4B2E0C9B585E4018753');
INSERT INTO "record_keys" VALUES('k22',72,X'ED96FE1CC75A52629A3FAA85EC851B290CF7EF0BEBC87DE27A0C13E763AF468A');
INSERT INTO "record_keys" VALUES('k23',75,X'6C0EDA585B4EA1D3EAD331C155CD0941D99E1670CC7332639C25351E94905F3B');
INSERT INTO "record_keys" VALUES('k3',15,X'2864CF9749A338A0508AE295EC8A1B03956B2265297BDB22939286499A2BCD6D');
INSERT INTO "record_keys" VALUES('k4',18,X'99357952ACEA6BB18C08FC30AEB1E8DAA16F68D5C20DEE340992CC494375D899');
INSERT INTO "record_keys" VALUES('k5',21,X'E3F4F6BC0797065C7B4AF6E968B2B2A4FEFF323C5E03D812AC93620E652808E3');
INSERT INTO "record_keys" VALUES('k6',24,X'4573F90E99C9273DCF8802D168A6CBA00E87B438BC94DF6B41BA43341C25CCE0');
INSERT INTO "record_keys" VALUES('k7',27,X'F2BC5C701FCB9BD039B6965146F802456577D3D91C0F0558312358C44F843B70');
INSERT INTO "record_keys" VALUES('k8',30,X'D039DFBF739F61C033BE176F30A457D80E106C7904813B1FA7A5330B027AB237');
INSERT INTO "record_keys" VALUES('k9',33,X'5D2837C6A59ECEC1C8E32A24F714A6364C042CB9C7CF0B469620E40218CB9197');
INSERT INTO "record_keys" VALUES('seen',4,X'C7B45AC3F7A0394086E8073D8303256CF08309FB5D0DA454394871512526BF05');
CREATE TABLE sharing_maps (
	position INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	names BIGINT NOT NULL, 
	storages BIGINT NOT NULL, 
	groups JSON NOT NULL, 
	sharing JSON NOT NULL, 
	CONSTRAINT pk_sharing_maps PRIMARY KEY (position)
);
INSERT INTO "sharing_maps" VALUES(1,'m','f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a',4,3,'[["embed","head"]]','{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[[null,"embed","head"]],"unknown":[],"version":1}');
INSERT INTO "sharing_maps" VALUES(80,'m','39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6',4,4,'[]','{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[],"unknown":[],"version":1}');
CREATE TABLE storage_names (
	storage_id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	name TEXT NOT NULL, 
	from_position INTEGER NOT NULL, 
	to_position INTEGER, 
	CONSTRAINT pk_storage_names PRIMARY KEY (storage_id, name, from_position)
);
INSERT INTO "storage_names" VALUES(1,'m','down',1,NULL);
INSERT INTO "storage_names" VALUES(2,'m','embed',1,NULL);
INSERT INTO "storage_names" VALUES(2,'m','head',1,80);
INSERT INTO "storage_names" VALUES(3,'m','up',1,NULL);
INSERT INTO "storage_names" VALUES(4,'m','head',80,NULL);
CREATE TABLE storages (
	storage_id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	from_position INTEGER NOT NULL, 
	to_position INTEGER, 
	CONSTRAINT pk_storages PRIMARY KEY (storage_id, from_position)
);
INSERT INTO "storages" VALUES(1,'m','down',1,NULL);
INSERT INTO "storages" VALUES(2,'m','embed',1,NULL);
INSERT INTO "storages" VALUES(3,'m','up',1,NULL);
INSERT INTO "storages" VALUES(4,'m','head',80,NULL);
CREATE TABLE streams (
	stream_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	category TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_streams PRIMARY KEY (stream_id), 
	CONSTRAINT uq_streams_name UNIQUE (name)
);
INSERT INTO "streams" VALUES(1,'model-m','model',81);
INSERT INTO "streams" VALUES(2,'memory','memory',2);
CREATE TABLE theories (
	theory_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	theory_type TEXT NOT NULL, 
	pattern_id TEXT NOT NULL, 
	hypothesis TEXT NOT NULL, 
	predictions BIGINT NOT NULL, 
	hits BIGINT NOT NULL, 
	log_e_value FLOAT NOT NULL, 
	log_score_gain FLOAT, 
	brier FLOAT, 
	first_position INTEGER NOT NULL, 
	last_position INTEGER, 
	status TEXT NOT NULL, 
	CONSTRAINT pk_theories PRIMARY KEY (theory_id)
);
INSERT INTO "theories" VALUES('theory-e3293d10e0257987','m','causal_model','pattern-e3293d10e0257987','scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.2363 to +0.2637; 24 outcomes)',10,10,6.31805959305836,-50.0,3.61866054921208346942e-03,46,76,'active');
CREATE TABLE weight_states (
	storage_id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	fingerprint TEXT, 
	CONSTRAINT pk_weight_states PRIMARY KEY (storage_id, position)
);
INSERT INTO "weight_states" VALUES(2,'m',6,NULL);
INSERT INTO "weight_states" VALUES(2,'m',9,NULL);
INSERT INTO "weight_states" VALUES(2,'m',12,NULL);
INSERT INTO "weight_states" VALUES(2,'m',15,NULL);
INSERT INTO "weight_states" VALUES(2,'m',18,NULL);
INSERT INTO "weight_states" VALUES(2,'m',21,NULL);
INSERT INTO "weight_states" VALUES(2,'m',24,NULL);
INSERT INTO "weight_states" VALUES(2,'m',27,NULL);
INSERT INTO "weight_states" VALUES(2,'m',30,NULL);
INSERT INTO "weight_states" VALUES(2,'m',33,NULL);
INSERT INTO "weight_states" VALUES(2,'m',36,NULL);
INSERT INTO "weight_states" VALUES(2,'m',39,NULL);
INSERT INTO "weight_states" VALUES(2,'m',42,NULL);
INSERT INTO "weight_states" VALUES(2,'m',45,NULL);
INSERT INTO "weight_states" VALUES(2,'m',48,NULL);
INSERT INTO "weight_states" VALUES(2,'m',51,NULL);
INSERT INTO "weight_states" VALUES(2,'m',54,NULL);
INSERT INTO "weight_states" VALUES(2,'m',57,NULL);
INSERT INTO "weight_states" VALUES(2,'m',60,NULL);
INSERT INTO "weight_states" VALUES(2,'m',63,NULL);
INSERT INTO "weight_states" VALUES(2,'m',66,NULL);
INSERT INTO "weight_states" VALUES(2,'m',69,NULL);
INSERT INTO "weight_states" VALUES(2,'m',72,NULL);
INSERT INTO "weight_states" VALUES(2,'m',75,NULL);
INSERT INTO "weight_states" VALUES(3,'m',78,NULL);
INSERT INTO "weight_states" VALUES(3,'m',83,'bb');
CREATE TRIGGER ledger_refuses_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of ledger is refused'); END;
CREATE TRIGGER ledger_refuses_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of ledger is refused'); END;
CREATE TRIGGER ledger_refuses_replace BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE position = NEW.position OR (stream_id = NEW.stream_id AND version = NEW.version)) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in ledger is refused'); END;
CREATE TRIGGER appends_refuses_update BEFORE UPDATE ON appends BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of appends is refused'); END;
CREATE TRIGGER appends_refuses_delete BEFORE DELETE ON appends BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of appends is refused'); END;
CREATE TRIGGER appends_refuses_replace BEFORE INSERT ON appends WHEN EXISTS (SELECT 1 FROM appends WHERE append_id = NEW.append_id) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in appends is refused'); END;
CREATE TRIGGER record_keys_refuses_update BEFORE UPDATE ON record_keys BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of record_keys is refused'); END;
CREATE TRIGGER record_keys_refuses_delete BEFORE DELETE ON record_keys BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of record_keys is refused'); END;
CREATE TRIGGER record_keys_refuses_replace BEFORE INSERT ON record_keys WHEN EXISTS (SELECT 1 FROM record_keys WHERE key = NEW.key OR position = NEW.position) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in record_keys is refused'); END;
CREATE VIEW events AS
SELECT
  ledger.position AS position,
  lower(hex(substr(appends.digest, 1, 16))) || '-' || (ledger.position - appends.first_position) AS event_id,
  streams.name AS stream,
  ledger.version AS version,
  event_types.name AS event_type,
  event_types.schema_version AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%S', ledger.occurred_at / 1000000, 'unixepoch')
    || printf('.%06dZ', ledger.occurred_at % 1000000) AS occurred_at,
  strftime('%Y-%m-%dT%H:%M:%S', appends.recorded_at / 1000000, 'unixepoch')
    || printf('.%06dZ', appends.recorded_at % 1000000) AS recorded_at,
  ledger.act_id AS act_id,
  appends.correlation_id AS correlation_id,
  ledger.causation_id AS causation_id,
  appends.actor AS actor,
  CASE WHEN substr(streams.name, 1, 6) = 'model-' THEN substr(streams.name, 7) END AS model,
  ledger.payload AS payload
FROM ledger
JOIN appends ON appends.append_id = ledger.append_id
JOIN streams ON streams.stream_id = ledger.stream_id
JOIN event_types ON event_types.type_id = ledger.type_id;
CREATE INDEX ix_affected_layers_layer_name ON affected_layers (layer_name, position);
CREATE INDEX ix_evidence_position ON evidence (position);
CREATE INDEX ix_metrics_act_id ON metrics (act_id);
CREATE INDEX ix_metrics_metric ON metrics (metric, position);
CREATE INDEX ix_modifications_act_id ON modifications (act_id);
CREATE INDEX ix_modifications_storage_id ON modifications (storage_id, position);
CREATE INDEX ix_observations_obs_type ON observations (obs_type, position);
COMMIT;
