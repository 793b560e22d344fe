"""The words that a region's name may be made of: body parts, sides, findings, and what radiotherapy calls its volumes.

Runs in: ingest host
Source: AAPM TG-263 (2018) Standardizing Nomenclatures in Radiation Oncology; TotalSegmentator's list of classes;
DICOM PS3.16 2026c CID 7140, 7166 and 9514.
"""

from __future__ import annotations

TARGETS = frozenset("gtv ctv ptv itv igtv ictv iptv gtvp gtvn ctvp ctvn ptvp ptvn oar prv roi".split())

_PLACES = """
abdomen abdominal acetabulum acromion adrenal airway alveolar anal antrum anus aorta aortic apex appendix arch arm
arteries artery articular ascending atlas atria atrial atrium auditory auricle autochthon axilla axillary axis azygos
back basal base bile bladder blood body bone bones bowel brachial brachiocephalic brachiocephalicus brain brainstem
breast bronchi bronchial bronchus buccal bulb caecum calcaneus canal capitate cardiac carina carotid cartilage cauda
caudate cava caval cavity cecum celiac cell central cerebellum cerebral cerebrum cervical cervix chamber chest chiasm
choroid ciliary cingulate clavicle clavicula coccyx cochlea colon common condyle conjunctiva constrictor cord cornea
coronary corpus cortex costa cranium cricoid cricopharyngeus descending diaphragm disc duct duodenum ear elbow
endometrium epididymis epiglottis equina esophagus eye eyeball eyes face facial fat femoral femur fibula finger foot
foramen forearm fossa frontal fundus gallbladder gland glenoid globe glottis gluteus gray great grey gyrus hair hand
head heart hepatic hilar hilum hip hippocampus humerus hyoid hypopharynx hypothalamus ileum iliac iliopsoas ilium
inguinal insula intestine intestines iris ischium jaw jejunum joint jugular kidney kidneys knee labyrinth lacrimal
lacrimals lad laryngeal larynx leg lens lenses ligament limb lingula lip lips liver lobe lumbar lung lungs lymph
lymphatic malleolus mammary mandible mastoid matter maxilla maxillary medulla mediastinal mediastinum medullary
meniscus mesenteric midbrain mitral mucosa muscle musc myocardium nasal nasopharynx neck nerve nerves nipple node nodes
nose occipital oesophagus omentum optic oral orbit orbita oropharynx ovaries ovary palate pancreas pancreatic parietal
parotid parotids patella pectoral pectoralis pelvic pelvis penile penis pericardium perineum peritoneal peritoneum
pharyngeal pharynx pituitary placenta pleura pleural pons portal process prostate psoas pubic pubis pulmonary pylorus
radius rectal rectum renal retina retroperitoneum rib ribs root sacral sacrum saphenous scalp scapula sciatic sclera
scrotum sella septum shoulder sigmoid sinus skeleton skin skull small spinal spinalcanal spinalcord spine spleen
splenic sternum stomach subclavian sublingual submandibular submandibulars sulcus symphysis talus teeth temporal
tendon testes testicle testis thalamus thigh thoracic thorax throat thymus thyroid tibia tissue toe tongue tonsil
torso trachea tricuspid trochanter trunk ulna ureter urethra urinary uterus uvula vagina vaginal valve vein veins vena
ventricle ventricles vertebra vertebrae vertebral vessel vessels vestibular vulva wall white wrist
"""
_SIDES = """
anterior bilateral both caudal contralateral cranial deep distal dorsal external inferior inner internal ipsilateral
lateral left left-sided lower lt medial mid middle outer posterior proximal right rt superficial superior total upper
ventral whole
"""
_FINDINGS = """
abscess adenocarcinoma adenoma airspace aneurysm atelectasis benign bleed calcification calcified calcium cancer
carcinoma cavitation consolidation core cyst dissection edema effusion embolism emphysema enhancing fibrosis finding
fluid fracture gas glioblastoma glioma ground glass haematoma haemorrhage hematoma hemorrhage hodgkin infarct infarction
infiltrate infiltration ischemia involved lesion lesions lymphoma malignant mass melanoma meningioma metastases
metastasis mets necrosis necrotic neoplasm neoplastic nodule nodules oedema opacity part-solid plaque pneumonia
pneumothorax polyp primary sarcoma scar schwannoma seroma solid stenosis stone stroke subsolid suspicious thrombus
tumor tumorbed tumour uninvolved
"""
_RADIOTHERAPY = """
air artifact artefact avoid avoidance background bed block bolus boost boundary bowelbag bag box catheter clip clips
combined contour contrast control couch couchsurface couchinterior ctv dose envelope eval evaluation exp expansion
external fiducial foreground gy high hot implant insert intermediate isocenter isocentre isodose label low margin marker
mask medium minus mri ct pet mr nodal normal object opt optimization organ organs outline patient peripheral phantom
point positive post pre prosthesis region ring risk segment segmentation seed seeds series shell spacer stent structure
nrv glnd constrict lum sub sum support surface surgical table target union void volume whole
"""
WORDS = frozenset((_PLACES + _SIDES + _FINDINGS + _RADIOTHERAPY).split()) | TARGETS
# Stations and vertebrae, as C1, T12, L5, S1; levels of lymph nodes; a letter for a side, a part or one of several.
LETTERS = frozenset("abcdilmnprstvxyz")
