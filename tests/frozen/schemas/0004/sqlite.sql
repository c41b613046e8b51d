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
INSERT INTO "appends" VALUES(1,1,1,1796049987618834,'freezer','frozen',X'3B7ED790E675B7E4FD14185A87B9C03483E8075D7863DF830AA460CD2869596D');
INSERT INTO "appends" VALUES(2,2,2,1796049987628769,'freezer','frozen',X'654003945E4BBBDB3C7DD0711D7E5C6FB323F688B864751C4A934F3A607B6C8A');
INSERT INTO "appends" VALUES(3,3,3,1796049987633090,'freezer','frozen',X'46CDA29714D2BB21AF03B2C5784E7B7A69889A0FE9D1524323C7C66A8C62915C');
INSERT INTO "appends" VALUES(4,4,4,1796049987638425,'freezer','frozen',X'A02149F6D37F934F064BE1D9D121D294C277A2F5B04F0F52E865D5DD79A1EC37');
INSERT INTO "appends" VALUES(5,5,5,1796049987645282,'freezer','frozen',X'CA1795565E0F5F28FE58F53EA7C3BFFA4F67F988B526374FFF922B02766AF355');
INSERT INTO "appends" VALUES(6,6,6,1796049987652117,'freezer','frozen',X'3E7B5E44FE32FDCF0D16F100CAF8B3547CFFAAA8D44341F3ED57641C099F6C0E');
INSERT INTO "appends" VALUES(7,7,7,1796049987664842,'freezer','frozen',X'221300271074173167D0E620DD689659BDCB567CF83183B2D190832ED5889948');
INSERT INTO "appends" VALUES(8,8,8,1796049987669070,'freezer','frozen',X'FB7F220B2BD573AC8B36281AD3FD0B96912F1F592792B99713A8E16437CA8A06');
INSERT INTO "appends" VALUES(9,9,9,1796049987677876,'freezer','frozen',X'344CA8028F6F4D115A57382ACA87D8393EEEC91CFF4CD59C2324ECED0181685D');
INSERT INTO "appends" VALUES(10,10,10,1796049987684983,'freezer','frozen',X'DF1AA5D7AFDA9349D6E16124B881F696DDE2DD56743F9A9658FDB85571BC4F93');
INSERT INTO "appends" VALUES(11,11,11,1796049987688946,'freezer','frozen',X'511953AF2259B1C1B3EF84489A8BEC9843C38FA0A3D7FD3936895B47960FC106');
INSERT INTO "appends" VALUES(12,12,12,1796049987696123,'freezer','frozen',X'1049C3F2431DCFEFC0B7243D0CF54C2AB331625C3B36565497BF302D1C2FD05A');
INSERT INTO "appends" VALUES(13,13,13,1796049987708929,'freezer','frozen',X'74909218C656127DBE763B9C3A8B2DC766B3D145AEA4CEB29A5E1C5C60AAC4F3');
INSERT INTO "appends" VALUES(14,14,14,1796049987712864,'freezer','frozen',X'929C7F4B3E939527132D441B9312C5FDE57B2F1124A28756CBEAACE402A6BCE5');
INSERT INTO "appends" VALUES(15,15,15,1796049987726157,'freezer','frozen',X'285597615192B8CDF7864B65A7B805573D9CA0F2CA7F9596DBEAD4A0134C63E3');
INSERT INTO "appends" VALUES(16,16,16,1796049987729944,'freezer','frozen',X'0DDE7A9ACA73CA91E347F601F21C300DC6A89E797F25791220929B35F3DE3B5E');
INSERT INTO "appends" VALUES(17,17,17,1796049987736587,'freezer','frozen',X'74D73ABEDC4BA51344B60C17FECCFB3446E08B21486F1FEC9B6DD0786F0A9828');
INSERT INTO "appends" VALUES(18,18,18,1796049987744719,'freezer','frozen',X'82A7FAF10231CE7B061E1CEAEA5408AAE798D9FD0A08C569DF3EE46F4E7DC406');
INSERT INTO "appends" VALUES(19,19,19,1796049987750476,'freezer','frozen',X'5E18672A47FB32EA23F9D1237528DAFE726F3939932AF8925CC946FB6B799998');
INSERT INTO "appends" VALUES(20,20,20,1796049987760898,'freezer','frozen',X'EFF645B9D40928B96805522C80FA9CC0F6B26D300817CB23F0FEFD79FA872281');
INSERT INTO "appends" VALUES(21,21,21,1796049987770242,'freezer','frozen',X'E83D184C965682909F9A8F29E9CF45B50777E6894491F4691DE0C4124E893F5E');
INSERT INTO "appends" VALUES(22,22,22,1796049987785014,'freezer','frozen',X'8735DCFF20CCDF86BDA43AD8496462A9F7D25C4ADEE82AA8A6BC717CC91DA6A5');
INSERT INTO "appends" VALUES(23,23,23,1796049987795679,'freezer','frozen',X'816E9642EF3E5D4863209D0FA3A6ABE7887043DA86C59EB5E65600173E1C5642');
INSERT INTO "appends" VALUES(24,24,24,1796049987797529,'freezer','frozen',X'0B58A9621A99570CFCB2631AD9ACF901DE3AD05561CBE63B212E3C2BFCF479BA');
INSERT INTO "appends" VALUES(25,25,25,1796049987812994,'freezer','frozen',X'E71C9DFC7A79FD16D35E621E52274D6F7EC560AD455528B2DEA4CB416FFD03B0');
INSERT INTO "appends" VALUES(26,26,26,1796049987820987,'freezer','frozen',X'5CADA8C607A3CA450F38F16020ADDC1D0209AF361376E4B26823E330E5EF44C4');
INSERT INTO "appends" VALUES(27,27,27,1796049987833860,'freezer','frozen',X'2B366235FECD41046DBD302FB3B092CFBC93645C73C184427DE6CF87FB96F64A');
INSERT INTO "appends" VALUES(28,28,28,1796049987834717,'freezer','frozen',X'EE1372655CE22B97B6617F416D5F36D5094C571599F05B71DA9AD75B9D3E5526');
INSERT INTO "appends" VALUES(29,29,29,1796049987844930,'freezer','frozen',X'8CD2FC8764872C6E5FFA0445539A29B439220CFC0016FEB097F56766A511F434');
INSERT INTO "appends" VALUES(30,30,30,1796049987853759,'freezer','frozen',X'A5EA679BFB48989AEE6AEA08369A2AE3D9223CE7E728DDFBF40AC453A9CE0ED8');
INSERT INTO "appends" VALUES(31,31,31,1796049987865001,'freezer','frozen',X'F9635B7EFFE7397C9A07F4D5E7AEAF73A6804C556F88B46D6EE3E08BB4531FC9');
INSERT INTO "appends" VALUES(32,32,32,1796049987876996,'freezer','frozen',X'5824FBEADC4FECEB1E6055D2F5D2981C8E15872CC0C313C482E0DE7775A9E61D');
INSERT INTO "appends" VALUES(33,33,33,1796049987889801,'freezer','frozen',X'3115FCAE92A2439C61C993890145DB0ADC34244075C6F8AF8B9F17D14F4C2E2C');
INSERT INTO "appends" VALUES(34,34,34,1796049987900987,'freezer','frozen',X'7CAC49999FAAC7046316710C6562A8790B0FB964A62675CFD9F764775960BD4B');
INSERT INTO "appends" VALUES(35,35,35,1796049987913004,'freezer','frozen',X'B9386FABC60C7072E8176A24452816207FEF21C46287F9AD83C0341935CB83BB');
INSERT INTO "appends" VALUES(36,36,36,1796049987921910,'freezer','frozen',X'167BF2DF37D08F4F5CC3F2FE7DC5FF694ACA9E2ADA52944F7054F6A3F510356A');
INSERT INTO "appends" VALUES(37,37,37,1796049987929080,'freezer','frozen',X'4147F672CD98D71CCFD6050F6558C4A55911F5BEA31EDD39A813035CAED2D647');
INSERT INTO "appends" VALUES(38,38,38,1796049987949014,'freezer','frozen',X'F8F8942CFCFC89716BD795FB7A26CBB52A8CAB978657A12FDA9C653F1E0C1DFD');
INSERT INTO "appends" VALUES(39,39,39,1796049987957785,'freezer','frozen',X'0F36705279FE6B225A87C95E55001D11A64D9F4CE8BE18A02278CA7E518D1CE1');
INSERT INTO "appends" VALUES(40,40,40,1796049987968965,'freezer','frozen',X'F29F7D90062496B8B8604E83C57173FCB4610A513783E6FE6675A077E4ABD99C');
INSERT INTO "appends" VALUES(41,41,41,1796049987980963,'freezer','frozen',X'999BBD398D82D755C1164FB681C7F6A8740191F3DB2908625B1E43EF4189FB9C');
INSERT INTO "appends" VALUES(42,42,42,1796049987989908,'freezer','frozen',X'590514B18F5C6B365CCE23CED1D92B7ADBAD1857EF6F61E7E98A6142AFE0164F');
INSERT INTO "appends" VALUES(43,43,43,1796049988000915,'freezer','frozen',X'12412DA95CA1B16EE74F20733FAFBE3E45D34E0196037A21E6D2248365265B4C');
INSERT INTO "appends" VALUES(44,44,44,1796049988013115,'freezer','frozen',X'9EF291FF284B732C1E234C08C3C56A83F84ECF6C3BB62E2CFF96D67E19F31533');
INSERT INTO "appends" VALUES(45,45,45,1796049988021730,'freezer','frozen',X'9A14611E59C0093E42D993E6E3540D0372DC24820B8170DB972757BF56A418D1');
INSERT INTO "appends" VALUES(46,46,46,1796049988028905,'freezer','frozen',X'142DF53D497C177027E95EE5E556187786A934D2021BD0DD0EAF87E24FA4AD79');
INSERT INTO "appends" VALUES(47,47,47,1796049988041071,'freezer','frozen',X'886D6C6E7A4DDB5976E68F65AB83F9FE93FBF60B861F5FEF09F5DBA46CF541CA');
INSERT INTO "appends" VALUES(48,48,48,1796049988053780,'freezer','frozen',X'5DCB409B2FD17C63D44679F73D7D81622A857CFAFF6268BEEA70AB0D83DE88B1');
INSERT INTO "appends" VALUES(49,49,49,1796049988060884,'freezer','frozen',X'CBAE5AFF4FEC6D1FCC59A3A6FA62168D82894B9F288F808623144EFF72A4EA7C');
INSERT INTO "appends" VALUES(50,50,50,1796049988068879,'freezer','frozen',X'3F6B2DA8BA43033759DA2AF9EC02CF80B35C0228086251B31497A168A29608AD');
INSERT INTO "appends" VALUES(51,51,51,1796049988081788,'freezer','frozen',X'DBA06AA341A001297F604BC19EFC47F449FB7336776ED1E1DC6746D55803AF5D');
INSERT INTO "appends" VALUES(52,52,52,1796049988088886,'freezer','frozen',X'0D1219758A9B21F72C58530D965FCC284EBF2B93B76A46DA20C7B654F88D90A8');
INSERT INTO "appends" VALUES(53,53,53,1796049988104941,'freezer','frozen',X'17AB0C990B957CA66461E7312B73D19E433965E7D55C7B830A7C29CFCEF7F319');
INSERT INTO "appends" VALUES(54,54,54,1796049988113696,'freezer','frozen',X'4D2B3A1575B9EE90334D458DDD10C718FD59B8C3790B835D09D28F172980CA6C');
INSERT INTO "appends" VALUES(55,55,55,1796049988124830,'freezer','frozen',X'EA5B9218C62A6203BEC1E96D568B7301736E5C1002B66DDBCD76520B4E82FC48');
INSERT INTO "appends" VALUES(56,56,56,1796049988136864,'freezer','frozen',X'36DDEB4D37D4D541331FF1049BB539BA5C482BE2D9D870C72370C5EC2779E21E');
INSERT INTO "appends" VALUES(57,57,57,1796049988145602,'freezer','frozen',X'F367DA129825E60155285AC4165ED8EC4F6A66E8F6932B59E651DAD0F5B4F3BD');
INSERT INTO "appends" VALUES(58,58,58,1796049988150937,'freezer','frozen',X'1106AC7DAFBE6EF5B1B3AD8CDF28ABB9297DEA7A33940E7FD449F6947BA7858F');
INSERT INTO "appends" VALUES(59,59,59,1796049988164944,'freezer','frozen',X'28B88C95647BE2FDAB49A16ABB3097EA044FFE9D3087F114D93D6EE58CB444EA');
INSERT INTO "appends" VALUES(60,60,60,1796049988173735,'freezer','frozen',X'28B7C1C2A84C76F4F2CEC2D00C600335870BCB92CBA7A237D2600DDFE2A3C665');
INSERT INTO "appends" VALUES(61,61,61,1796049988188930,'freezer','frozen',X'C7033592657E4DD1B82E2DB75E107111A8288D8EEB91248D84D27E3F2D015646');
INSERT INTO "appends" VALUES(62,62,62,1796049988193100,'freezer','frozen',X'195DED0563A728CC682457A3C6D1195B84D4E4D5BCE2F244DBEDC521E1C3249C');
INSERT INTO "appends" VALUES(63,63,63,1796049988209755,'freezer','frozen',X'26785E7BE8E70DA524C9538316CF38F3C567934EAF76DA7CF0637C351A83CD86');
INSERT INTO "appends" VALUES(64,64,64,1796049988216552,'freezer','frozen',X'34472C35468FD09510E024B39E8CB5CEB6107702A6C4A75A4303541A72BAC4AA');
INSERT INTO "appends" VALUES(65,65,65,1796049988224914,'freezer','frozen',X'D126825F08C91FBD2C96E31A6989219F56063E4E1EA7DB71D10932C04A019DC4');
INSERT INTO "appends" VALUES(66,66,66,1796049988237557,'freezer','frozen',X'29A4A9B7053B3904894008D1031EDECED5276211469CBC4F2BCF30573FD0AC42');
INSERT INTO "appends" VALUES(67,67,67,1796049988246136,'freezer','frozen',X'DFEA51C93DB5A385AD70FAEA864B7FD94C223FD8F2078B3A1DD9A2D6CAFE6E80');
INSERT INTO "appends" VALUES(68,68,68,1796049988256957,'freezer','frozen',X'59AC2681B4B6C226BCD7EADAEADD89BEB9AA6B33ACBA16B09B16B16464AE71DD');
INSERT INTO "appends" VALUES(69,69,69,1796049988267473,'freezer','frozen',X'1A2C34042D498DCFD073BA4DD3059ABEDCA6FFB294C2CDAEE1A4DA4F39B6A0E9');
INSERT INTO "appends" VALUES(70,70,70,1796049988277067,'freezer','frozen',X'E9849EC845307088B30A5D01C617391832BEFFD056920CC5C653415D920DC51C');
INSERT INTO "appends" VALUES(71,71,71,1796049988293064,'freezer','frozen',X'A40B5C9C038F6A0A0C0C61AA667268E3E8F6EF685F99E678CEBA9A154812A9F3');
INSERT INTO "appends" VALUES(72,72,72,1796049988305935,'freezer','frozen',X'9A98A7D75C0B66C23D0CCE1FA0295F0B499376D6093B06C73830AB5D1945FE8C');
INSERT INTO "appends" VALUES(73,73,73,1796049988312985,'freezer','frozen',X'C0874DE9056E7F50CD846D72857DBBE44B600490886579E55114751EFFE94619');
INSERT INTO "appends" VALUES(74,74,74,1796049988320957,'freezer','frozen',X'22148C95CDE8BD1A9DAFB96FC7C568E7654B098918922B0629F7ECDEDB3AB7F8');
INSERT INTO "appends" VALUES(75,75,75,1796049988337805,'freezer','frozen',X'AE425A31CFD6AA4959328E6D1F1CBD628D71DDB14A01CF290255173C3EB99E38');
INSERT INTO "appends" VALUES(76,76,76,1796049988344979,'freezer','frozen',X'01558A9BB08DD926B8F55C8BB0DF76926C8371DC019AD6470D7895288BD3F7DB');
INSERT INTO "appends" VALUES(77,77,79,1796049988356458,'freezer','frozen',X'B83E72C08105354EA571C27AC4D236CFCF7F45066299EABB9AC660458A4C2022');
INSERT INTO "appends" VALUES(78,80,80,1796049988454273,'freezer','frozen',X'BF7F111952EABDFC01F0F667768E365C05D2B49F364B2FFAFEBC7AFBFB60E755');
INSERT INTO "appends" VALUES(79,81,81,1796049988467588,'freezer','frozen',X'9EDA7225EA33F3D419288319031B5A048E28EC5F1F07B49877E09C6D0E44D975');
INSERT INTO "appends" VALUES(80,82,83,1796049988477410,NULL,NULL,X'0259D53CF93027CAE751284D8C9D35848F4AA28474D51E27FAAF0BFC6401E1D8');
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
	occurred_at TEXT NOT NULL, retracted_position INTEGER, 
	CONSTRAINT pk_layer_statistics PRIMARY KEY (position, layer_name)
);
INSERT INTO "layer_statistics" VALUES(79,'ghost','m','norm',NULL,2.0,NULL,1,'2026-11-30T14:46:28.356458Z',NULL);
INSERT INTO "layer_statistics" VALUES(79,'up','m','norm',3,1.5,NULL,0,'2026-11-30T14:46:28.356458Z',NULL);
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
INSERT INTO "ledger" VALUES(1,1,1,1,1,NULL,NULL,1796049987618834,'{"architecture":null,"baseline":"lazy","digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","model":"m","sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[[null,"embed","head"]],"unknown":[],"version":1},"state_of":null,"storages":[]}');
INSERT INTO "ledger" VALUES(2,2,2,1,2,NULL,NULL,1796049987628769,'{"better":"lower","derived_from":[],"model":null,"name":"loss","smallest_effect":0.01}');
INSERT INTO "ledger" VALUES(3,3,2,2,2,NULL,NULL,1796049987633090,'{"better":null,"derived_from":["loss"],"model":null,"name":"perplexity","smallest_effect":0.0}');
INSERT INTO "ledger" VALUES(4,4,1,2,3,NULL,NULL,1796049987638425,'{"category":"tie","data":{"n":[1,2.5,null]},"description":"ç, 中 and 🧊","importance":0.7,"model":"m","obs_type":"discovery","tags":["t"]}');
INSERT INTO "ledger" VALUES(5,5,1,3,4,'step-0',NULL,1796049987645282,'{"metrics":{"loss":2.0},"model":"m","sample":"s0"}');
INSERT INTO "ledger" VALUES(6,6,1,4,5,'step-0',NULL,1796049987652117,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":0},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(7,7,1,5,4,'step-0',NULL,1796049987664842,'{"metrics":{"loss":1.75},"model":"m","sample":"s0"}');
INSERT INTO "ledger" VALUES(8,8,1,6,4,'step-1',NULL,1796049987669070,'{"metrics":{"loss":2.01},"model":"m","sample":"s1"}');
INSERT INTO "ledger" VALUES(9,9,1,7,5,'step-1',NULL,1796049987677876,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":1},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(10,10,1,8,4,'step-1',NULL,1796049987684983,'{"metrics":{"loss":2.26},"model":"m","sample":"s1"}');
INSERT INTO "ledger" VALUES(11,11,1,9,4,'step-2',NULL,1796049987688946,'{"metrics":{"loss":2.02},"model":"m","sample":"s2"}');
INSERT INTO "ledger" VALUES(12,12,1,10,5,'step-2',NULL,1796049987696123,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":2},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(13,13,1,11,4,'step-2',NULL,1796049987708929,'{"metrics":{"loss":1.77},"model":"m","sample":"s2"}');
INSERT INTO "ledger" VALUES(14,14,1,12,4,'step-3',NULL,1796049987712864,'{"metrics":{"loss":2.03},"model":"m","sample":"s3"}');
INSERT INTO "ledger" VALUES(15,15,1,13,5,'step-3',NULL,1796049987726157,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":3},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(16,16,1,14,4,'step-3',NULL,1796049987729944,'{"metrics":{"loss":2.28},"model":"m","sample":"s3"}');
INSERT INTO "ledger" VALUES(17,17,1,15,4,'step-4',NULL,1796049987736587,'{"metrics":{"loss":2.04},"model":"m","sample":"s4"}');
INSERT INTO "ledger" VALUES(18,18,1,16,5,'step-4',NULL,1796049987744719,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":4},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(19,19,1,17,4,'step-4',NULL,1796049987750476,'{"metrics":{"loss":2.29},"model":"m","sample":"s4"}');
INSERT INTO "ledger" VALUES(20,20,1,18,4,'step-5',NULL,1796049987760898,'{"metrics":{"loss":2.05},"model":"m","sample":"s5"}');
INSERT INTO "ledger" VALUES(21,21,1,19,5,'step-5',NULL,1796049987770242,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":5},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(22,22,1,20,4,'step-5',NULL,1796049987785014,'{"metrics":{"loss":2.3},"model":"m","sample":"s5"}');
INSERT INTO "ledger" VALUES(23,23,1,21,4,'step-6',NULL,1796049987795679,'{"metrics":{"loss":2.06},"model":"m","sample":"s6"}');
INSERT INTO "ledger" VALUES(24,24,1,22,5,'step-6',NULL,1796049987797529,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":6},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(25,25,1,23,4,'step-6',NULL,1796049987812994,'{"metrics":{"loss":2.31},"model":"m","sample":"s6"}');
INSERT INTO "ledger" VALUES(26,26,1,24,4,'step-7',NULL,1796049987820987,'{"metrics":{"loss":2.07},"model":"m","sample":"s7"}');
INSERT INTO "ledger" VALUES(27,27,1,25,5,'step-7',NULL,1796049987833860,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":7},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(28,28,1,26,4,'step-7',NULL,1796049987834717,'{"metrics":{"loss":1.8199999999999998},"model":"m","sample":"s7"}');
INSERT INTO "ledger" VALUES(29,29,1,27,4,'step-8',NULL,1796049987844930,'{"metrics":{"loss":2.08},"model":"m","sample":"s8"}');
INSERT INTO "ledger" VALUES(30,30,1,28,5,'step-8',NULL,1796049987853759,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":8},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(31,31,1,29,4,'step-8',NULL,1796049987865001,'{"metrics":{"loss":1.83},"model":"m","sample":"s8"}');
INSERT INTO "ledger" VALUES(32,32,1,30,4,'step-9',NULL,1796049987876996,'{"metrics":{"loss":2.09},"model":"m","sample":"s9"}');
INSERT INTO "ledger" VALUES(33,33,1,31,5,'step-9',NULL,1796049987889801,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":9},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(34,34,1,32,4,'step-9',NULL,1796049987900987,'{"metrics":{"loss":2.34},"model":"m","sample":"s9"}');
INSERT INTO "ledger" VALUES(35,35,1,33,4,'step-10',NULL,1796049987913004,'{"metrics":{"loss":2.1},"model":"m","sample":"s10"}');
INSERT INTO "ledger" VALUES(36,36,1,34,5,'step-10',NULL,1796049987921910,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":10},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(37,37,1,35,4,'step-10',NULL,1796049987929080,'{"metrics":{"loss":1.85},"model":"m","sample":"s10"}');
INSERT INTO "ledger" VALUES(38,38,1,36,4,'step-11',NULL,1796049987949014,'{"metrics":{"loss":2.11},"model":"m","sample":"s11"}');
INSERT INTO "ledger" VALUES(39,39,1,37,5,'step-11',NULL,1796049987957785,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":11},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(40,40,1,38,4,'step-11',NULL,1796049987968965,'{"metrics":{"loss":2.36},"model":"m","sample":"s11"}');
INSERT INTO "ledger" VALUES(41,41,1,39,4,'step-12',NULL,1796049987980963,'{"metrics":{"loss":2.12},"model":"m","sample":"s12"}');
INSERT INTO "ledger" VALUES(42,42,1,40,5,'step-12',NULL,1796049987989908,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":12},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(43,43,1,41,4,'step-12',NULL,1796049988000915,'{"metrics":{"loss":1.87},"model":"m","sample":"s12"}');
INSERT INTO "ledger" VALUES(44,44,1,42,4,'step-13',NULL,1796049988013115,'{"metrics":{"loss":2.13},"model":"m","sample":"s13"}');
INSERT INTO "ledger" VALUES(45,45,1,43,5,'step-13',NULL,1796049988021730,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":13},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(46,46,1,44,4,'step-13',NULL,1796049988028905,'{"metrics":{"loss":2.38},"model":"m","sample":"s13"}');
INSERT INTO "ledger" VALUES(47,47,1,45,4,'step-14',NULL,1796049988041071,'{"metrics":{"loss":2.14},"model":"m","sample":"s14"}');
INSERT INTO "ledger" VALUES(48,48,1,46,5,'step-14',NULL,1796049988053780,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":14},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(49,49,1,47,4,'step-14',NULL,1796049988060884,'{"metrics":{"loss":2.39},"model":"m","sample":"s14"}');
INSERT INTO "ledger" VALUES(50,50,1,48,4,'step-15',NULL,1796049988068879,'{"metrics":{"loss":2.15},"model":"m","sample":"s15"}');
INSERT INTO "ledger" VALUES(51,51,1,49,5,'step-15',NULL,1796049988081788,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":15},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(52,52,1,50,4,'step-15',NULL,1796049988088886,'{"metrics":{"loss":2.4},"model":"m","sample":"s15"}');
INSERT INTO "ledger" VALUES(53,53,1,51,4,'step-16',NULL,1796049988104941,'{"metrics":{"loss":2.16},"model":"m","sample":"s16"}');
INSERT INTO "ledger" VALUES(54,54,1,52,5,'step-16',NULL,1796049988113696,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":16},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(55,55,1,53,4,'step-16',NULL,1796049988124830,'{"metrics":{"loss":2.41},"model":"m","sample":"s16"}');
INSERT INTO "ledger" VALUES(56,56,1,54,4,'step-17',NULL,1796049988136864,'{"metrics":{"loss":2.17},"model":"m","sample":"s17"}');
INSERT INTO "ledger" VALUES(57,57,1,55,5,'step-17',NULL,1796049988145602,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":17},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(58,58,1,56,4,'step-17',NULL,1796049988150937,'{"metrics":{"loss":1.92},"model":"m","sample":"s17"}');
INSERT INTO "ledger" VALUES(59,59,1,57,4,'step-18',NULL,1796049988164944,'{"metrics":{"loss":2.18},"model":"m","sample":"s18"}');
INSERT INTO "ledger" VALUES(60,60,1,58,5,'step-18',NULL,1796049988173735,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":18},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(61,61,1,59,4,'step-18',NULL,1796049988188930,'{"metrics":{"loss":2.43},"model":"m","sample":"s18"}');
INSERT INTO "ledger" VALUES(62,62,1,60,4,'step-19',NULL,1796049988193100,'{"metrics":{"loss":2.19},"model":"m","sample":"s19"}');
INSERT INTO "ledger" VALUES(63,63,1,61,5,'step-19',NULL,1796049988209755,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":19},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(64,64,1,62,4,'step-19',NULL,1796049988216552,'{"metrics":{"loss":2.44},"model":"m","sample":"s19"}');
INSERT INTO "ledger" VALUES(65,65,1,63,4,'step-20',NULL,1796049988224914,'{"metrics":{"loss":2.2},"model":"m","sample":"s20"}');
INSERT INTO "ledger" VALUES(66,66,1,64,5,'step-20',NULL,1796049988237557,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":20},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(67,67,1,65,4,'step-20',NULL,1796049988246136,'{"metrics":{"loss":1.9500000000000002},"model":"m","sample":"s20"}');
INSERT INTO "ledger" VALUES(68,68,1,66,4,'step-21',NULL,1796049988256957,'{"metrics":{"loss":2.21},"model":"m","sample":"s21"}');
INSERT INTO "ledger" VALUES(69,69,1,67,5,'step-21',NULL,1796049988267473,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":21},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(70,70,1,68,4,'step-21',NULL,1796049988277067,'{"metrics":{"loss":1.96},"model":"m","sample":"s21"}');
INSERT INTO "ledger" VALUES(71,71,1,69,4,'step-22',NULL,1796049988293064,'{"metrics":{"loss":2.22},"model":"m","sample":"s22"}');
INSERT INTO "ledger" VALUES(72,72,1,70,5,'step-22',NULL,1796049988305935,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":22},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(73,73,1,71,4,'step-22',NULL,1796049988312985,'{"metrics":{"loss":2.47},"model":"m","sample":"s22"}');
INSERT INTO "ledger" VALUES(74,74,1,72,4,'step-23',NULL,1796049988320957,'{"metrics":{"loss":2.23},"model":"m","sample":"s23"}');
INSERT INTO "ledger" VALUES(75,75,1,73,5,'step-23',NULL,1796049988337805,'{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":23},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO "ledger" VALUES(76,76,1,74,4,'step-23',NULL,1796049988344979,'{"metrics":{"loss":1.98},"model":"m","sample":"s23"}');
INSERT INTO "ledger" VALUES(77,77,1,75,4,NULL,NULL,1796049988356458,'{"metrics":{"accuracy":{"$float":"-Infinity"},"loss":{"$float":"NaN"}},"model":"m","sample":null}');
INSERT INTO "ledger" VALUES(78,77,1,76,7,'step-1',NULL,1796049988356458,'{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":[],"description":"up","dose":1.0,"fingerprint":null,"importance":0.5,"known":true,"method":null,"model":"m","modification":{"why":"a plain one"},"overlapping":{},"per_name":true,"primary_layer":"up","propensity":null,"randomised":false,"reason":null,"reverts":null,"rows":null,"storage_key":"up","tags":["modification","up"]}');
INSERT INTO "ledger" VALUES(79,77,1,77,6,NULL,NULL,1796049988356458,'{"model":"m","statistic":"norm","values":{"ghost":2.0,"up":1.5}}');
INSERT INTO "ledger" VALUES(80,78,1,78,8,NULL,NULL,1796049988454273,'{"added":[],"digest":"39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6","kept":null,"model":"m","previous_digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","removed":[],"sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[],"unknown":[],"version":1},"storages":[],"tied":[],"untied":[["embed","head"]],"vanished":[]}');
INSERT INTO "ledger" VALUES(81,79,1,79,9,NULL,NULL,1796049988467588,'{"model":"m","storages":[],"to_act":"step-2"}');
INSERT INTO "ledger" VALUES(82,80,1,80,10,NULL,NULL,1796049988477410,'{"error":"ValueError","message":"","method":null,"model":"m","primary_layer":"up","restored":true,"storage_key":"up"}');
INSERT INTO "ledger" VALUES(83,80,1,81,11,NULL,NULL,1796049988477410,'{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"fingerprint_expected":"aa","fingerprint_found":"bb","found_by":"verify","model":"m","storage_key":"up"}');
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
	occurred_at TEXT NOT NULL, retracted_position INTEGER, 
	CONSTRAINT pk_metrics PRIMARY KEY (position, metric)
);
INSERT INTO "metrics" VALUES(5,'loss','m',2.0,NULL,'s0','step-0','2026-11-30T14:46:27.645282Z',NULL);
INSERT INTO "metrics" VALUES(7,'loss','m',1.75,NULL,'s0','step-0','2026-11-30T14:46:27.664842Z',NULL);
INSERT INTO "metrics" VALUES(8,'loss','m',2.01,NULL,'s1','step-1','2026-11-30T14:46:27.669070Z',NULL);
INSERT INTO "metrics" VALUES(10,'loss','m',2.26,NULL,'s1','step-1','2026-11-30T14:46:27.684983Z',NULL);
INSERT INTO "metrics" VALUES(11,'loss','m',2.02,NULL,'s2','step-2','2026-11-30T14:46:27.688946Z',NULL);
INSERT INTO "metrics" VALUES(13,'loss','m',1.77,NULL,'s2','step-2','2026-11-30T14:46:27.708929Z',NULL);
INSERT INTO "metrics" VALUES(14,'loss','m',2.03,NULL,'s3','step-3','2026-11-30T14:46:27.712864Z',NULL);
INSERT INTO "metrics" VALUES(16,'loss','m',2.28,NULL,'s3','step-3','2026-11-30T14:46:27.729944Z',NULL);
INSERT INTO "metrics" VALUES(17,'loss','m',2.04,NULL,'s4','step-4','2026-11-30T14:46:27.736587Z',NULL);
INSERT INTO "metrics" VALUES(19,'loss','m',2.29,NULL,'s4','step-4','2026-11-30T14:46:27.750476Z',NULL);
INSERT INTO "metrics" VALUES(20,'loss','m',2.05,NULL,'s5','step-5','2026-11-30T14:46:27.760898Z',NULL);
INSERT INTO "metrics" VALUES(22,'loss','m',2.3,NULL,'s5','step-5','2026-11-30T14:46:27.785014Z',NULL);
INSERT INTO "metrics" VALUES(23,'loss','m',2.06,NULL,'s6','step-6','2026-11-30T14:46:27.795679Z',NULL);
INSERT INTO "metrics" VALUES(25,'loss','m',2.31,NULL,'s6','step-6','2026-11-30T14:46:27.812994Z',NULL);
INSERT INTO "metrics" VALUES(26,'loss','m',2.07,NULL,'s7','step-7','2026-11-30T14:46:27.820987Z',NULL);
INSERT INTO "metrics" VALUES(28,'loss','m',1.81999999999999984012e+00,NULL,'s7','step-7','2026-11-30T14:46:27.834717Z',NULL);
INSERT INTO "metrics" VALUES(29,'loss','m',2.08,NULL,'s8','step-8','2026-11-30T14:46:27.844930Z',NULL);
INSERT INTO "metrics" VALUES(31,'loss','m',1.83,NULL,'s8','step-8','2026-11-30T14:46:27.865001Z',NULL);
INSERT INTO "metrics" VALUES(32,'loss','m',2.09,NULL,'s9','step-9','2026-11-30T14:46:27.876996Z',NULL);
INSERT INTO "metrics" VALUES(34,'loss','m',2.34,NULL,'s9','step-9','2026-11-30T14:46:27.900987Z',NULL);
INSERT INTO "metrics" VALUES(35,'loss','m',2.1,NULL,'s10','step-10','2026-11-30T14:46:27.913004Z',NULL);
INSERT INTO "metrics" VALUES(37,'loss','m',1.85,NULL,'s10','step-10','2026-11-30T14:46:27.929080Z',NULL);
INSERT INTO "metrics" VALUES(38,'loss','m',2.11,NULL,'s11','step-11','2026-11-30T14:46:27.949014Z',NULL);
INSERT INTO "metrics" VALUES(40,'loss','m',2.36,NULL,'s11','step-11','2026-11-30T14:46:27.968965Z',NULL);
INSERT INTO "metrics" VALUES(41,'loss','m',2.12,NULL,'s12','step-12','2026-11-30T14:46:27.980963Z',NULL);
INSERT INTO "metrics" VALUES(43,'loss','m',1.87,NULL,'s12','step-12','2026-11-30T14:46:28.000915Z',NULL);
INSERT INTO "metrics" VALUES(44,'loss','m',2.13,NULL,'s13','step-13','2026-11-30T14:46:28.013115Z',NULL);
INSERT INTO "metrics" VALUES(46,'loss','m',2.38,NULL,'s13','step-13','2026-11-30T14:46:28.028905Z',NULL);
INSERT INTO "metrics" VALUES(47,'loss','m',2.14,NULL,'s14','step-14','2026-11-30T14:46:28.041071Z',NULL);
INSERT INTO "metrics" VALUES(49,'loss','m',2.39,NULL,'s14','step-14','2026-11-30T14:46:28.060884Z',NULL);
INSERT INTO "metrics" VALUES(50,'loss','m',2.15,NULL,'s15','step-15','2026-11-30T14:46:28.068879Z',NULL);
INSERT INTO "metrics" VALUES(52,'loss','m',2.4,NULL,'s15','step-15','2026-11-30T14:46:28.088886Z',NULL);
INSERT INTO "metrics" VALUES(53,'loss','m',2.16,NULL,'s16','step-16','2026-11-30T14:46:28.104941Z',NULL);
INSERT INTO "metrics" VALUES(55,'loss','m',2.41,NULL,'s16','step-16','2026-11-30T14:46:28.124830Z',NULL);
INSERT INTO "metrics" VALUES(56,'loss','m',2.17,NULL,'s17','step-17','2026-11-30T14:46:28.136864Z',NULL);
INSERT INTO "metrics" VALUES(58,'loss','m',1.92,NULL,'s17','step-17','2026-11-30T14:46:28.150937Z',NULL);
INSERT INTO "metrics" VALUES(59,'loss','m',2.18,NULL,'s18','step-18','2026-11-30T14:46:28.164944Z',NULL);
INSERT INTO "metrics" VALUES(61,'loss','m',2.43,NULL,'s18','step-18','2026-11-30T14:46:28.188930Z',NULL);
INSERT INTO "metrics" VALUES(62,'loss','m',2.19,NULL,'s19','step-19','2026-11-30T14:46:28.193100Z',NULL);
INSERT INTO "metrics" VALUES(64,'loss','m',2.44,NULL,'s19','step-19','2026-11-30T14:46:28.216552Z',NULL);
INSERT INTO "metrics" VALUES(65,'loss','m',2.2,NULL,'s20','step-20','2026-11-30T14:46:28.224914Z',NULL);
INSERT INTO "metrics" VALUES(67,'loss','m',1.95000000000000017763e+00,NULL,'s20','step-20','2026-11-30T14:46:28.246136Z',NULL);
INSERT INTO "metrics" VALUES(68,'loss','m',2.21,NULL,'s21','step-21','2026-11-30T14:46:28.256957Z',NULL);
INSERT INTO "metrics" VALUES(70,'loss','m',1.96,NULL,'s21','step-21','2026-11-30T14:46:28.277067Z',NULL);
INSERT INTO "metrics" VALUES(71,'loss','m',2.22,NULL,'s22','step-22','2026-11-30T14:46:28.293064Z',NULL);
INSERT INTO "metrics" VALUES(73,'loss','m',2.47,NULL,'s22','step-22','2026-11-30T14:46:28.312985Z',NULL);
INSERT INTO "metrics" VALUES(74,'loss','m',2.23,NULL,'s23','step-23','2026-11-30T14:46:28.320957Z',NULL);
INSERT INTO "metrics" VALUES(76,'loss','m',1.98,NULL,'s23','step-23','2026-11-30T14:46:28.344979Z',NULL);
INSERT INTO "metrics" VALUES(77,'accuracy','m',NULL,'-Infinity',NULL,NULL,'2026-11-30T14:46:28.356458Z',NULL);
INSERT INTO "metrics" VALUES(77,'loss','m',NULL,'NaN',NULL,NULL,'2026-11-30T14:46:28.356458Z',NULL);
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
	occurred_at TEXT NOT NULL, retracted_position INTEGER, 
	CONSTRAINT pk_modifications PRIMARY KEY (position)
);
INSERT INTO "modifications" VALUES(6,'coupled_modification','m',2,'embed','head','["embed"]','step-0','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":0}','2026-11-30T14:46:27.652117Z',NULL);
INSERT INTO "modifications" VALUES(9,'coupled_modification','m',2,'embed','head','["embed"]','step-1','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":1}','2026-11-30T14:46:27.677876Z',NULL);
INSERT INTO "modifications" VALUES(12,'coupled_modification','m',2,'embed','head','["embed"]','step-2','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":2}','2026-11-30T14:46:27.696123Z',NULL);
INSERT INTO "modifications" VALUES(15,'coupled_modification','m',2,'embed','head','["embed"]','step-3','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":3}','2026-11-30T14:46:27.726157Z',NULL);
INSERT INTO "modifications" VALUES(18,'coupled_modification','m',2,'embed','head','["embed"]','step-4','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":4}','2026-11-30T14:46:27.744719Z',NULL);
INSERT INTO "modifications" VALUES(21,'coupled_modification','m',2,'embed','head','["embed"]','step-5','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":5}','2026-11-30T14:46:27.770242Z',NULL);
INSERT INTO "modifications" VALUES(24,'coupled_modification','m',2,'embed','head','["embed"]','step-6','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":6}','2026-11-30T14:46:27.797529Z',NULL);
INSERT INTO "modifications" VALUES(27,'coupled_modification','m',2,'embed','head','["embed"]','step-7','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":7}','2026-11-30T14:46:27.833860Z',NULL);
INSERT INTO "modifications" VALUES(30,'coupled_modification','m',2,'embed','head','["embed"]','step-8','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":8}','2026-11-30T14:46:27.853759Z',NULL);
INSERT INTO "modifications" VALUES(33,'coupled_modification','m',2,'embed','head','["embed"]','step-9','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":9}','2026-11-30T14:46:27.889801Z',NULL);
INSERT INTO "modifications" VALUES(36,'coupled_modification','m',2,'embed','head','["embed"]','step-10','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":10}','2026-11-30T14:46:27.921910Z',NULL);
INSERT INTO "modifications" VALUES(39,'coupled_modification','m',2,'embed','head','["embed"]','step-11','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":11}','2026-11-30T14:46:27.957785Z',NULL);
INSERT INTO "modifications" VALUES(42,'coupled_modification','m',2,'embed','head','["embed"]','step-12','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":12}','2026-11-30T14:46:27.989908Z',NULL);
INSERT INTO "modifications" VALUES(45,'coupled_modification','m',2,'embed','head','["embed"]','step-13','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":13}','2026-11-30T14:46:28.021730Z',NULL);
INSERT INTO "modifications" VALUES(48,'coupled_modification','m',2,'embed','head','["embed"]','step-14','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":14}','2026-11-30T14:46:28.053780Z',NULL);
INSERT INTO "modifications" VALUES(51,'coupled_modification','m',2,'embed','head','["embed"]','step-15','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":15}','2026-11-30T14:46:28.081788Z',NULL);
INSERT INTO "modifications" VALUES(54,'coupled_modification','m',2,'embed','head','["embed"]','step-16','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":16}','2026-11-30T14:46:28.113696Z',NULL);
INSERT INTO "modifications" VALUES(57,'coupled_modification','m',2,'embed','head','["embed"]','step-17','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":17}','2026-11-30T14:46:28.145602Z',NULL);
INSERT INTO "modifications" VALUES(60,'coupled_modification','m',2,'embed','head','["embed"]','step-18','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":18}','2026-11-30T14:46:28.173735Z',NULL);
INSERT INTO "modifications" VALUES(63,'coupled_modification','m',2,'embed','head','["embed"]','step-19','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":19}','2026-11-30T14:46:28.209755Z',NULL);
INSERT INTO "modifications" VALUES(66,'coupled_modification','m',2,'embed','head','["embed"]','step-20','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":20}','2026-11-30T14:46:28.237557Z',NULL);
INSERT INTO "modifications" VALUES(69,'coupled_modification','m',2,'embed','head','["embed"]','step-21','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":21}','2026-11-30T14:46:28.267473Z',NULL);
INSERT INTO "modifications" VALUES(72,'coupled_modification','m',2,'embed','head','["embed"]','step-22','scale',1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":22}','2026-11-30T14:46:28.305935Z',NULL);
INSERT INTO "modifications" VALUES(75,'coupled_modification','m',2,'embed','head','["embed"]','step-23','scale',-1.0,1,0.5,NULL,NULL,1,NULL,NULL,NULL,'scale it',NULL,'["modification","coupled","head","embed"]',0.9,'{"n":23}','2026-11-30T14:46:28.337805Z',NULL);
INSERT INTO "modifications" VALUES(78,'modification','m',3,'up','up','[]','step-1',NULL,1.0,0,NULL,NULL,NULL,1,NULL,NULL,NULL,'up',NULL,'["modification","up"]',0.5,'{"why":"a plain one"}','2026-11-30T14:46:28.356458Z',NULL);
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
	occurred_at TEXT NOT NULL, status TEXT DEFAULT 'active' NOT NULL, changed_position INTEGER, change_reason TEXT, 
	CONSTRAINT pk_observations PRIMARY KEY (position)
);
INSERT INTO "observations" VALUES(4,'m','discovery','tie','ç, 中 and 🧊','{"n":[1,2.5,null]}','["t"]',0.7,NULL,'2026-11-30T14:46:27.638425Z','active',NULL,NULL);
CREATE TABLE palimpsest_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "palimpsest_version" VALUES('0004');
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
INSERT INTO "projections" VALUES('observations',3,83,NULL,NULL,NULL);
INSERT INTO "projections" VALUES('metrics',3,83,NULL,NULL,NULL);
INSERT INTO "projections" VALUES('modifications',3,83,'{"counted":[["m","step-1",3,[78]]],"registry":{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}}',NULL,NULL);
INSERT INTO "projections" VALUES('weight_states',1,83,'{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}',NULL,NULL);
INSERT INTO "projections" VALUES('layer_statistics',2,83,'{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}',NULL,NULL);
INSERT INTO "projections" VALUES('knowledge',2,83,'{"learning":{"registry":{"next_id":5,"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}}},"metrics":{"seen":{"m":["loss","accuracy"]},"definitions":[[null,"loss",[],2,0.01],[null,"perplexity",["loss"],3,0.0]]},"windows":{"m":{"writes":29,"given_up":[],"windows":[["step-0",[["loss","s0",5,2.0,1]],[6,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-1",[["loss","s1",8,2.01,2]],null,2,true,["loss"]],["step-2",[["loss","s2",11,2.02,3]],[12,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-3",[["loss","s3",14,2.03,4]],[15,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-4",[["loss","s4",17,2.04,5]],[18,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-5",[["loss","s5",20,2.05,6]],[21,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-6",[["loss","s6",23,2.06,7]],[24,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-7",[["loss","s7",26,2.07,8]],[27,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-8",[["loss","s8",29,2.08,9]],[30,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-9",[["loss","s9",32,2.09,10]],[33,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-10",[["loss","s10",35,2.1,11]],[36,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-11",[["loss","s11",38,2.11,12]],[39,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-12",[["loss","s12",41,2.12,13]],[42,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-13",[["loss","s13",44,2.13,14]],[45,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-14",[["loss","s14",47,2.14,15]],[48,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-15",[["loss","s15",50,2.15,16]],[51,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-16",[["loss","s16",53,2.16,17]],[54,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-17",[["loss","s17",56,2.17,18]],[57,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-18",[["loss","s18",59,2.18,19]],[60,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-19",[["loss","s19",62,2.19,20]],[63,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-20",[["loss","s20",65,2.2,21]],[66,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-21",[["loss","s21",68,2.21,22]],[69,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-22",[["loss","s22",71,2.22,23]],[72,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-23",[["loss","s23",74,2.23,24]],[75,2,"scale",-1.0,true,0.5],1,false,["loss"]]]}},"counted":[["m","step-1",3,[78]]],"claims":{"families":[[["m","effect","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.18181818181818182,10.0,25],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":24,"negatives":0,"total":6.0,"peak_log_e":12.63013876360732,"bet":{"up":[2.102178392463761,3.9946433410652284,7.176361906374959,11.458722130479275,14.900777726782506],"down":[-2.5161604217119073,-5.277989287650565,-11.503260113527432,-26.31855349783109,-61.41205659161138]},"scale":{"window":[0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25]},"sequence":{"n":21,"centre":0.25,"unit":0.0625,"weight":21.0,"weight2":21.0,"sum1":0.0,"cross":0.0,"sum2":0.0}},"epoch":0,"first_claimed":46,"last_settled":76,"subject":"embed","subject_names":["embed","head"],"status":"active","direction":1,"score":{"n":10,"hits":10,"ties":0,"skipped":0,"log_e":6.31805959305836,"peak_log_e":6.31805959305836,"gain":-50.0,"brier":0.036186605492120834},"last_scored":76,"belief_since":70,"belief_changed":70,"belief_status":"active","credence":1.0,"detector":{"direction":1,"effect":0.25,"n":2,"skipped":0,"scale":{"window":[-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001]},"wealth":[-0.10499168882164654,-0.21986807184000734,-0.47795348538783244,-1.0907535603283935,-2.546806152602485]}}]],[["m","impact","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.1,1.0,0],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":14,"negatives":10,"total":1.0,"peak_log_e":0.2575253343916615,"bet":{"up":[0.29500233474284765,0.36622187765470077,-0.13305540576075825,-3.32369007190304,-14.960766136936856],"down":[-0.7089843639909933,-1.649567824240038,-4.193842801391717,-11.536141295448775,-31.550512727892052]},"scale":{"window":[-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25]},"sequence":{"n":21,"centre":-0.25,"unit":0.5,"weight":57.0,"weight2":339.0,"sum1":21.0,"cross":79.0,"sum2":79.0}},"epoch":0,"first_claimed":null,"last_settled":76,"subject":"","subject_names":[],"status":"unclaimed","direction":0,"score":null,"last_scored":null,"belief_since":null,"belief_changed":0,"belief_status":"","credence":0.0,"detector":null}]]],"told":{"closed":[],"first":[],"changed":[],"amended":[]}},"facts":{"m":[]},"dropped":{"acts":{"m":["step-1",[]]},"strengths":[]}},"amendments":[]}',NULL,NULL);
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
